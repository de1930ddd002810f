/* The layout of version 1.0 on LP64, frozen for good: compiling this is the test. It is compiled
 * against today's header and against each header in abi/frozen/. A line that no longer holds means
 * that hosts and modules already built would misread each other: mend the header, not the line.
 * A later minor adds lines below, for what it appended; it changes none.
 */
#include <limits.h>
#include "matrix_devices/module.h"

#if UINTPTR_MAX != UINT64_MAX || ULONG_MAX != UINT64_MAX
#error "this file states the layout of LP64 only"
#endif

#define FIELD(type, member, offset, ...)                                              \
  _Static_assert(offsetof(type, member) == (offset), #type "." #member " was moved"); \
  _Static_assert(_Generic(((type*)0)->member, __VA_ARGS__ : 1, default : 0),          \
                 #type "." #member " is not a " #__VA_ARGS__)
/* A record that is an element of arrays never grows. */
#define FROZEN(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is frozen")
/* Any other may, with a new minor, at its end; the size of 1.0 has a name that stays. */
#define GROWS(type, name, bytes)                                                         \
  _Static_assert((name) == (bytes), #name " has another value");                         \
  _Static_assert(MXD_ABI_MINOR == 0 ? sizeof(type) == (bytes) : sizeof(type) >= (bytes), \
                 #type " does not have the size of 1.0");                                \
  _Static_assert(sizeof(type) % 8 == 0, #type " ends on no multiple of 8 bytes")
#define VALUE(name, number) _Static_assert((name) == (number), #name " has another value")

/* ---- Structs ---- */

FROZEN(mxd_view, 16);
FIELD(mxd_view, data, 0, const char*);
FIELD(mxd_view, size, 8, size_t);

FROZEN(mxd_header, 32);
FIELD(mxd_header, name, 0, mxd_view);
FIELD(mxd_header, value, 16, mxd_view);

FROZEN(mxd_limit, 48);
FIELD(mxd_limit, burst, 0, int64_t);
FIELD(mxd_limit, interval_ms, 8, int64_t);
FIELD(mxd_limit, name, 16, mxd_view);
FIELD(mxd_limit, key, 32, mxd_view);

GROWS(mxd_request, MXD_REQUEST_SIZE_1_0, 96);
FIELD(mxd_request, size, 0, uint32_t);
FIELD(mxd_request, flags, 4, uint32_t);
FIELD(mxd_request, cookie, 8, mxd_cookie);
FIELD(mxd_request, headers, 16, const mxd_header*);
FIELD(mxd_request, header_count, 24, size_t);
FIELD(mxd_request, method, 32, mxd_view);
FIELD(mxd_request, target, 48, mxd_view);
FIELD(mxd_request, body, 64, mxd_view);
FIELD(mxd_request, remote_addr, 80, mxd_view);

GROWS(mxd_response, MXD_RESPONSE_SIZE_1_0, 40);
FIELD(mxd_response, size, 0, uint32_t);
FIELD(mxd_response, http_status, 4, uint32_t);
FIELD(mxd_response, headers, 8, const mxd_header*);
FIELD(mxd_response, header_count, 16, size_t);
FIELD(mxd_response, body, 24, mxd_view);

GROWS(mxd_route, MXD_ROUTE_SIZE_1_0, 40);
FIELD(mxd_route, size, 0, uint32_t);
FIELD(mxd_route, reserved, 4, uint32_t);
FIELD(mxd_route, methods, 8, mxd_view);
FIELD(mxd_route, path, 24, mxd_view);

GROWS(mxd_principal, MXD_PRINCIPAL_SIZE_1_0, 96);
FIELD(mxd_principal, size, 0, uint32_t);
FIELD(mxd_principal, flags, 4, uint32_t);
FIELD(mxd_principal, validated_ms, 8, int64_t);
FIELD(mxd_principal, user_id, 16, mxd_view);
FIELD(mxd_principal, device_id, 32, mxd_view);
FIELD(mxd_principal, token_id, 48, mxd_view);
FIELD(mxd_principal, service_id, 64, mxd_view);
FIELD(mxd_principal, cookie, 80, mxd_cookie);
FIELD(mxd_principal, reserved, 88, uintptr_t);

GROWS(mxd_device, MXD_DEVICE_SIZE_1_0, 64);
FIELD(mxd_device, size, 0, uint32_t);
FIELD(mxd_device, flags, 4, uint32_t);
FIELD(mxd_device, last_seen_ts_ms, 8, int64_t);
FIELD(mxd_device, device_id, 16, mxd_view);
FIELD(mxd_device, display_name, 32, mxd_view);
FIELD(mxd_device, last_seen_ip, 48, mxd_view);

GROWS(mxd_uia_stage, MXD_UIA_STAGE_SIZE_1_0, 48);
FIELD(mxd_uia_stage, size, 0, uint32_t);
FIELD(mxd_uia_stage, flags, 4, uint32_t);
FIELD(mxd_uia_stage, flow, 8, uint32_t);
FIELD(mxd_uia_stage, reserved, 12, uint32_t);
FIELD(mxd_uia_stage, type, 16, mxd_view);
FIELD(mxd_uia_stage, params, 32, mxd_view);

GROWS(mxd_uia_kept, MXD_UIA_KEPT_SIZE_1_0, 32);
FIELD(mxd_uia_kept, size, 0, uint32_t);
FIELD(mxd_uia_kept, flags, 4, uint32_t);
FIELD(mxd_uia_kept, revision, 8, int64_t);
FIELD(mxd_uia_kept, state, 16, mxd_view);

GROWS(mxd_uia_completed, MXD_UIA_COMPLETED_SIZE_1_0, 40);
FIELD(mxd_uia_completed, size, 0, uint32_t);
FIELD(mxd_uia_completed, flags, 4, uint32_t);
FIELD(mxd_uia_completed, type, 8, mxd_view);
FIELD(mxd_uia_completed, identity, 24, mxd_view);

GROWS(mxd_error, MXD_ERROR_SIZE_1_0, 64);
FIELD(mxd_error, size, 0, uint32_t);
FIELD(mxd_error, http_status, 4, uint32_t);
FIELD(mxd_error, retry_after_ms, 8, int64_t);
FIELD(mxd_error, errcode, 16, mxd_view);
FIELD(mxd_error, text, 32, mxd_view);
FIELD(mxd_error, extra_json, 48, mxd_view);

GROWS(mxd_credentials, MXD_CREDENTIALS_SIZE_1_0, 72);
FIELD(mxd_credentials, size, 0, uint32_t);
FIELD(mxd_credentials, flags, 4, uint32_t);
FIELD(mxd_credentials, access_token, 8, mxd_view);
FIELD(mxd_credentials, user_id, 24, mxd_view);
FIELD(mxd_credentials, device_id, 40, mxd_view);
FIELD(mxd_credentials, remote_addr, 56, mxd_view);

GROWS(mxd_device_query, MXD_DEVICE_QUERY_SIZE_1_0, 24);
FIELD(mxd_device_query, size, 0, uint32_t);
FIELD(mxd_device_query, flags, 4, uint32_t);
FIELD(mxd_device_query, user_id, 8, mxd_view);

GROWS(mxd_device_key, MXD_DEVICE_KEY_SIZE_1_0, 40);
FIELD(mxd_device_key, size, 0, uint32_t);
FIELD(mxd_device_key, flags, 4, uint32_t);
FIELD(mxd_device_key, user_id, 8, mxd_view);
FIELD(mxd_device_key, device_id, 24, mxd_view);

GROWS(mxd_device_update, MXD_DEVICE_UPDATE_SIZE_1_0, 64);
FIELD(mxd_device_update, size, 0, uint32_t);
FIELD(mxd_device_update, flags, 4, uint32_t);
FIELD(mxd_device_update, max_devices, 8, int64_t);
FIELD(mxd_device_update, user_id, 16, mxd_view);
FIELD(mxd_device_update, device_id, 32, mxd_view);
FIELD(mxd_device_update, display_name, 48, mxd_view);

GROWS(mxd_deletion, MXD_DELETION_SIZE_1_0, 40);
FIELD(mxd_deletion, size, 0, uint32_t);
FIELD(mxd_deletion, flags, 4, uint32_t);
FIELD(mxd_deletion, device_ids, 8, const mxd_view*);
FIELD(mxd_deletion, device_id_count, 16, size_t);
FIELD(mxd_deletion, user_id, 24, mxd_view);

GROWS(mxd_uia_operation, MXD_UIA_OPERATION_SIZE_1_0, 72);
FIELD(mxd_uia_operation, size, 0, uint32_t);
FIELD(mxd_uia_operation, flags, 4, uint32_t);
FIELD(mxd_uia_operation, user_id, 8, mxd_view);
FIELD(mxd_uia_operation, device_id, 24, mxd_view);
FIELD(mxd_uia_operation, method, 40, mxd_view);
FIELD(mxd_uia_operation, endpoint, 56, mxd_view);

GROWS(mxd_uia_session, MXD_UIA_SESSION_SIZE_1_0, 168);
FIELD(mxd_uia_session, size, 0, uint32_t);
FIELD(mxd_uia_session, flags, 4, uint32_t);
FIELD(mxd_uia_session, expires_ms, 8, int64_t);
FIELD(mxd_uia_session, max_live, 16, uint32_t);
FIELD(mxd_uia_session, reserved, 20, uint32_t);
FIELD(mxd_uia_session, proposed_id, 24, mxd_view);
FIELD(mxd_uia_session, user_id, 40, mxd_view);
FIELD(mxd_uia_session, device_id, 56, mxd_view);
FIELD(mxd_uia_session, token_id, 72, mxd_view);
FIELD(mxd_uia_session, state, 88, mxd_view);
FIELD(mxd_uia_session, method, 104, mxd_view);
FIELD(mxd_uia_session, endpoint, 120, mxd_view);
FIELD(mxd_uia_session, target, 136, mxd_view);
FIELD(mxd_uia_session, description, 152, mxd_view);

GROWS(mxd_uia_session_key, MXD_UIA_SESSION_KEY_SIZE_1_0, 24);
FIELD(mxd_uia_session_key, size, 0, uint32_t);
FIELD(mxd_uia_session_key, flags, 4, uint32_t);
FIELD(mxd_uia_session_key, session_id, 8, mxd_view);

GROWS(mxd_uia_replacement, MXD_UIA_REPLACEMENT_SIZE_1_0, 72);
FIELD(mxd_uia_replacement, size, 0, uint32_t);
FIELD(mxd_uia_replacement, flags, 4, uint32_t);
FIELD(mxd_uia_replacement, revision, 8, int64_t);
FIELD(mxd_uia_replacement, expires_ms, 16, int64_t);
FIELD(mxd_uia_replacement, session_id, 24, mxd_view);
FIELD(mxd_uia_replacement, user_id, 40, mxd_view);
FIELD(mxd_uia_replacement, state, 56, mxd_view);

GROWS(mxd_uia_attempt, MXD_UIA_ATTEMPT_SIZE_1_0, 184);
FIELD(mxd_uia_attempt, size, 0, uint32_t);
FIELD(mxd_uia_attempt, flags, 4, uint32_t);
FIELD(mxd_uia_attempt, user_id, 8, mxd_view);
FIELD(mxd_uia_attempt, device_id, 24, mxd_view);
FIELD(mxd_uia_attempt, session_id, 40, mxd_view);
FIELD(mxd_uia_attempt, type, 56, mxd_view);
FIELD(mxd_uia_attempt, remote_addr, 72, mxd_view);
FIELD(mxd_uia_attempt, user, 88, mxd_view);
FIELD(mxd_uia_attempt, medium, 104, mxd_view);
FIELD(mxd_uia_attempt, address, 120, mxd_view);
FIELD(mxd_uia_attempt, country, 136, mxd_view);
FIELD(mxd_uia_attempt, password, 152, mxd_view);
FIELD(mxd_uia_attempt, auth_json, 168, mxd_view);

GROWS(mxd_validation, MXD_VALIDATION_SIZE_1_0, 64);
FIELD(mxd_validation, size, 0, uint32_t);
FIELD(mxd_validation, flags, 4, uint32_t);
FIELD(mxd_validation, validated_ms, 8, int64_t);
FIELD(mxd_validation, user_id, 16, mxd_view);
FIELD(mxd_validation, device_id, 32, mxd_view);
FIELD(mxd_validation, token_id, 48, mxd_view);

GROWS(mxd_limit_request, MXD_LIMIT_REQUEST_SIZE_1_0, 32);
FIELD(mxd_limit_request, size, 0, uint32_t);
FIELD(mxd_limit_request, flags, 4, uint32_t);
FIELD(mxd_limit_request, units, 8, int32_t);
FIELD(mxd_limit_request, reserved, 12, uint32_t);
FIELD(mxd_limit_request, limits, 16, const mxd_limit*);
FIELD(mxd_limit_request, limit_count, 24, size_t);

GROWS(mxd_host, MXD_HOST_SIZE_1_0, 192);
FIELD(mxd_host, size, 0, uint32_t);
FIELD(mxd_host, abi_minor, 4, uint32_t);
FIELD(mxd_host, caps, 8, uint64_t);
FIELD(mxd_host, cookie, 16, mxd_cookie);
FIELD(mxd_host, reserved, 24, uintptr_t);
FIELD(mxd_host, respond, 32, void (*)(mxd_cookie, mxd_cookie, const mxd_response*));
FIELD(mxd_host, authenticate, 40,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_credentials*));
FIELD(mxd_host, list_devices, 48,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_query*));
FIELD(mxd_host, get_device, 56,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_key*));
FIELD(mxd_host, rename_device, 64,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_update*));
FIELD(mxd_host, delete_devices, 72,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_deletion*));
FIELD(mxd_host, uia_flows, 80,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_operation*));
FIELD(mxd_host, uia_create_session, 88,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_session*));
FIELD(mxd_host, uia_load_session, 96,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_session_key*));
FIELD(mxd_host, uia_replace_session, 104,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_replacement*));
FIELD(mxd_host, uia_check, 112,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_attempt*));
FIELD(mxd_host, put_device, 120,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_update*));
FIELD(mxd_host, mark_validated, 128,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_validation*));
FIELD(mxd_host, take_limit, 136,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_limit_request*));
FIELD(mxd_host, cancel_operation, 144, void (*)(mxd_cookie, mxd_op));
FIELD(mxd_host, release_principal, 152, void (*)(mxd_cookie, mxd_cookie));
FIELD(mxd_host, now_ms, 160, int64_t (*)(mxd_cookie));
FIELD(mxd_host, random_bytes, 168, int32_t (*)(mxd_cookie, void*, size_t));
FIELD(mxd_host, log, 176, void (*)(mxd_cookie, mxd_cookie, int32_t, mxd_view));
FIELD(mxd_host, get_extension, 184, const void* (*)(mxd_cookie, const char*));

GROWS(mxd_module, MXD_MODULE_SIZE_1_0, 192);
FIELD(mxd_module, size, 0, uint32_t);
FIELD(mxd_module, abi_minor, 4, uint32_t);
FIELD(mxd_module, caps, 8, uint64_t);
FIELD(mxd_module, product_version, 16, const char*);
FIELD(mxd_module, create, 24,
      int32_t (*)(const mxd_host*, mxd_view, mxd_instance**, char*, size_t));
FIELD(mxd_module, destroy, 32, int32_t (*)(mxd_instance*));
FIELD(mxd_module, shutdown, 40, int32_t (*)(mxd_instance*, void (*)(mxd_cookie), mxd_cookie));
FIELD(mxd_module, abandon, 48, int32_t (*)(mxd_instance*));
FIELD(mxd_module, handle, 56, int32_t (*)(mxd_instance*, const mxd_request*, mxd_request_token*));
FIELD(mxd_module, cancel, 64, int32_t (*)(mxd_request_token));
FIELD(mxd_module, match, 72, int32_t (*)(mxd_instance*, mxd_view, mxd_view));
FIELD(mxd_module, max_body_bytes, 80, uint64_t (*)(mxd_instance*));
FIELD(mxd_module, route, 88, int32_t (*)(mxd_instance*, uint32_t, mxd_route*));
FIELD(mxd_module, complete, 96, int32_t (*)(mxd_op, int32_t));
FIELD(mxd_module, emit_principal, 104, int32_t (*)(mxd_op, const mxd_principal*));
FIELD(mxd_module, emit_device, 112, int32_t (*)(mxd_op, const mxd_device*));
FIELD(mxd_module, emit_stage, 120, int32_t (*)(mxd_op, const mxd_uia_stage*));
FIELD(mxd_module, emit_session_id, 128, int32_t (*)(mxd_op, mxd_view));
FIELD(mxd_module, emit_session, 136, int32_t (*)(mxd_op, const mxd_uia_kept*));
FIELD(mxd_module, emit_completed, 144, int32_t (*)(mxd_op, const mxd_uia_completed*));
FIELD(mxd_module, emit_identity, 152, int32_t (*)(mxd_op, mxd_view));
FIELD(mxd_module, emit_reason, 160, int32_t (*)(mxd_op, mxd_view));
FIELD(mxd_module, emit_retry_after, 168, int32_t (*)(mxd_op, int64_t));
FIELD(mxd_module, emit_error, 176, int32_t (*)(mxd_op, const mxd_error*));
FIELD(mxd_module, get_extension, 184, const void* (*)(const char*));

/* ---- Plain types ---- */

FROZEN(mxd_op, 8);
FROZEN(mxd_request_token, 8);
FROZEN(mxd_cookie, 8);
FROZEN(mxd_entry_v1, 8);

/* ---- Numbers ---- */

VALUE(MXD_OK, 0);
VALUE(MXD_NOT_MINE, 1);
VALUE(MXD_CREATED, 2);
VALUE(MXD_NOT_FOUND, 3);
VALUE(MXD_UNKNOWN_TOKEN, 4);
VALUE(MXD_TOKEN_EXPIRED, 5);
VALUE(MXD_USER_LOCKED, 6);
VALUE(MXD_FORBIDDEN, 7);
VALUE(MXD_UNKNOWN_DEVICE, 8);
VALUE(MXD_LIMIT_EXCEEDED, 9);
VALUE(MXD_REFUSED, 10);
VALUE(MXD_BAD_DATA, 11);
VALUE(MXD_HOST_ERROR, 12);
VALUE(MXD_CONFLICT, 13);
VALUE(MXD_INTERNAL, -1);
VALUE(MXD_UNAVAILABLE, -2);
VALUE(MXD_TIMEOUT, -3);
VALUE(MXD_CANCELLED, -4);
VALUE(MXD_NO_MEMORY, -5);
VALUE(MXD_INVALID_ARGUMENT, -6);
VALUE(MXD_STALE, -7);
VALUE(MXD_BUSY, -8);
VALUE(MXD_UNSUPPORTED, -9);
VALUE(MXD_LOG_DEBUG, 0);
VALUE(MXD_LOG_INFO, 1);
VALUE(MXD_LOG_WARNING, 2);
VALUE(MXD_LOG_ERROR, 3);
VALUE(MXD_LOG_HOST_MISBEHAVING, 4);
VALUE(MXD_REQUEST_BODY_TOO_LARGE, 1);
VALUE(MXD_PRINCIPAL_GUEST, 1);
VALUE(MXD_PRINCIPAL_APPSERVICE, 2);
VALUE(MXD_PRINCIPAL_OAUTH, 4);
VALUE(MXD_PRINCIPAL_UNLIMITED, 8);
VALUE(MXD_PRINCIPAL_HAS_VALIDATED_MS, 16);
VALUE(MXD_DEVICE_HAS_DISPLAY_NAME, 1);
VALUE(MXD_DEVICE_HAS_LAST_SEEN_IP, 2);
VALUE(MXD_DEVICE_HAS_LAST_SEEN_TS, 4);
VALUE(MXD_STAGE_PROVES_NOBODY, 1);
VALUE(MXD_CREDENTIALS_HAS_USER_ID, 1);
VALUE(MXD_CREDENTIALS_HAS_DEVICE_ID, 2);
VALUE(MXD_UPDATE_SET_DISPLAY_NAME, 1);
VALUE(MXD_UIA_FINISHED, 1);
VALUE(MXD_ATTEMPT_HAS_USER, 1);
VALUE(MXD_ATTEMPT_HAS_THIRDPARTY, 2);
VALUE(MXD_ATTEMPT_HAS_COUNTRY, 4);
VALUE(MXD_ATTEMPT_HAS_PASSWORD, 8);
VALUE(MXD_CAP_MUST_UNDERSTAND_FROM, 48);
