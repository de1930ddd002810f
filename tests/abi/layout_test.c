/* The layout of version 1.0 on LP64, frozen for good: compiling this is the test. It is compiled
 * against today's header and against each header in abi/frozen/. A line that no longer holds means
 * that hosts and modules already built would misread each other: mend the header, not the line.
 * A later minor adds lines below, for what it appended; it changes none.
 */
#include <limits.h>
#include <matrix_devices/module.h>

#if UINTPTR_MAX != UINT64_MAX || ULONG_MAX != UINT64_MAX
#error "this file states the layout of LP64 only"
#endif

#define FIELD(type, member, offset, ...)                                              \
  _Static_assert(offsetof(type, member) == (offset), #type "." #member " was moved"); \
  _Static_assert(_Generic(((type*)0)->member, __VA_ARGS__ : 1, default : 0),          \
                 #type "." #member " is not a " #__VA_ARGS__)
/* A record that is an element of arrays never grows. */
#define FROZEN(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is frozen")
/* Any other may, with a new minor, at its end. */
#define GROWS(type, bytes_of_v1_0)                                                            \
  _Static_assert(                                                                             \
      MXD_ABI_MINOR == 0 ? sizeof(type) == (bytes_of_v1_0) : sizeof(type) >= (bytes_of_v1_0), \
      #type " does not have the size of 1.0")
#define VALUE(name, number) _Static_assert((name) == (number), #name " has another value")

/* ---- Structs ---- */

FROZEN(mxd_view, 16);
FIELD(mxd_view, data, 0, const char*);
FIELD(mxd_view, size, 8, size_t);

FROZEN(mxd_header, 32);
FIELD(mxd_header, name, 0, mxd_view);
FIELD(mxd_header, value, 16, mxd_view);

FROZEN(mxd_limit, 48);
FIELD(mxd_limit, name, 0, mxd_view);
FIELD(mxd_limit, key, 16, mxd_view);
FIELD(mxd_limit, burst, 32, int64_t);
FIELD(mxd_limit, interval_ms, 40, int64_t);

GROWS(mxd_request, 96);
FIELD(mxd_request, size, 0, uint32_t);
FIELD(mxd_request, flags, 4, uint32_t);
FIELD(mxd_request, cookie, 8, mxd_cookie);
FIELD(mxd_request, headers, 16, const mxd_header*);
FIELD(mxd_request, header_count, 24, size_t);
FIELD(mxd_request, method, 32, mxd_view);
FIELD(mxd_request, target, 48, mxd_view);
FIELD(mxd_request, body, 64, mxd_view);
FIELD(mxd_request, remote_addr, 80, mxd_view);

GROWS(mxd_response, 40);
FIELD(mxd_response, size, 0, uint32_t);
FIELD(mxd_response, http_status, 4, uint32_t);
FIELD(mxd_response, headers, 8, const mxd_header*);
FIELD(mxd_response, header_count, 16, size_t);
FIELD(mxd_response, body, 24, mxd_view);

GROWS(mxd_route, 40);
FIELD(mxd_route, size, 0, uint32_t);
FIELD(mxd_route, reserved, 4, uint32_t);
FIELD(mxd_route, methods, 8, mxd_view);
FIELD(mxd_route, path, 24, mxd_view);

GROWS(mxd_principal, 96);
FIELD(mxd_principal, size, 0, uint32_t);
FIELD(mxd_principal, flags, 4, uint32_t);
FIELD(mxd_principal, validated_ms, 8, int64_t);
FIELD(mxd_principal, user_id, 16, mxd_view);
FIELD(mxd_principal, device_id, 32, mxd_view);
FIELD(mxd_principal, token_id, 48, mxd_view);
FIELD(mxd_principal, service_id, 64, mxd_view);
FIELD(mxd_principal, cookie, 80, mxd_cookie);
FIELD(mxd_principal, reserved, 88, uintptr_t);

GROWS(mxd_device, 64);
FIELD(mxd_device, size, 0, uint32_t);
FIELD(mxd_device, flags, 4, uint32_t);
FIELD(mxd_device, last_seen_ts_ms, 8, int64_t);
FIELD(mxd_device, device_id, 16, mxd_view);
FIELD(mxd_device, display_name, 32, mxd_view);
FIELD(mxd_device, last_seen_ip, 48, mxd_view);

GROWS(mxd_error, 64);
FIELD(mxd_error, size, 0, uint32_t);
FIELD(mxd_error, http_status, 4, uint32_t);
FIELD(mxd_error, retry_after_ms, 8, int64_t);
FIELD(mxd_error, errcode, 16, mxd_view);
FIELD(mxd_error, text, 32, mxd_view);
FIELD(mxd_error, extra_json, 48, mxd_view);

GROWS(mxd_credentials, 72);
FIELD(mxd_credentials, size, 0, uint32_t);
FIELD(mxd_credentials, flags, 4, uint32_t);
FIELD(mxd_credentials, access_token, 8, mxd_view);
FIELD(mxd_credentials, user_id, 24, mxd_view);
FIELD(mxd_credentials, device_id, 40, mxd_view);
FIELD(mxd_credentials, remote_addr, 56, mxd_view);

GROWS(mxd_device_update, 64);
FIELD(mxd_device_update, size, 0, uint32_t);
FIELD(mxd_device_update, flags, 4, uint32_t);
FIELD(mxd_device_update, user_id, 8, mxd_view);
FIELD(mxd_device_update, device_id, 24, mxd_view);
FIELD(mxd_device_update, display_name, 40, mxd_view);
FIELD(mxd_device_update, max_devices, 56, uint64_t);

GROWS(mxd_uia_operation, 72);
FIELD(mxd_uia_operation, size, 0, uint32_t);
FIELD(mxd_uia_operation, reserved, 4, uint32_t);
FIELD(mxd_uia_operation, user_id, 8, mxd_view);
FIELD(mxd_uia_operation, device_id, 24, mxd_view);
FIELD(mxd_uia_operation, method, 40, mxd_view);
FIELD(mxd_uia_operation, endpoint, 56, mxd_view);

GROWS(mxd_session, 216);
FIELD(mxd_session, size, 0, uint32_t);
FIELD(mxd_session, flags, 4, uint32_t);
FIELD(mxd_session, created_ms, 8, int64_t);
FIELD(mxd_session, lifetime_ms, 16, int64_t);
FIELD(mxd_session, finished_ms, 24, int64_t);
FIELD(mxd_session, max_live, 32, uint32_t);
FIELD(mxd_session, reserved, 36, uint32_t);
FIELD(mxd_session, user_id, 40, mxd_view);
FIELD(mxd_session, device_id, 56, mxd_view);
FIELD(mxd_session, token_id, 72, mxd_view);
FIELD(mxd_session, method, 88, mxd_view);
FIELD(mxd_session, endpoint, 104, mxd_view);
FIELD(mxd_session, target, 120, mxd_view);
FIELD(mxd_session, path_device_id, 136, mxd_view);
FIELD(mxd_session, body, 152, mxd_view);
FIELD(mxd_session, body_digest, 168, mxd_view);
FIELD(mxd_session, finished_digest, 184, mxd_view);
FIELD(mxd_session, description, 200, mxd_view);

GROWS(mxd_uia_attempt, 104);
FIELD(mxd_uia_attempt, size, 0, uint32_t);
FIELD(mxd_uia_attempt, reserved, 4, uint32_t);
FIELD(mxd_uia_attempt, user_id, 8, mxd_view);
FIELD(mxd_uia_attempt, device_id, 24, mxd_view);
FIELD(mxd_uia_attempt, session_id, 40, mxd_view);
FIELD(mxd_uia_attempt, type, 56, mxd_view);
FIELD(mxd_uia_attempt, auth_json, 72, mxd_view);
FIELD(mxd_uia_attempt, remote_addr, 88, mxd_view);

GROWS(mxd_uia_record, 96);
FIELD(mxd_uia_record, size, 0, uint32_t);
FIELD(mxd_uia_record, flags, 4, uint32_t);
FIELD(mxd_uia_record, now_ms, 8, int64_t);
FIELD(mxd_uia_record, session_id, 16, mxd_view);
FIELD(mxd_uia_record, type, 32, mxd_view);
FIELD(mxd_uia_record, identity, 48, mxd_view);
FIELD(mxd_uia_record, body_digest, 64, mxd_view);
FIELD(mxd_uia_record, body, 80, mxd_view);

GROWS(mxd_host, 192);
FIELD(mxd_host, size, 0, uint32_t);
FIELD(mxd_host, abi_minor, 4, uint32_t);
FIELD(mxd_host, caps, 8, uint64_t);
FIELD(mxd_host, cookie, 16, mxd_cookie);
FIELD(mxd_host, reserved, 24, uintptr_t);
FIELD(mxd_host, respond, 32, void (*)(mxd_cookie, mxd_cookie, const mxd_response*));
FIELD(mxd_host, authenticate, 40,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, const mxd_credentials*));
FIELD(mxd_host, list_devices, 48,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, mxd_view));
FIELD(mxd_host, get_device, 56,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, mxd_view, mxd_view));
FIELD(mxd_host, rename_device, 64,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_update*));
FIELD(mxd_host, delete_devices, 72,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, mxd_view, const mxd_view*, size_t));
FIELD(mxd_host, uia_flows, 80,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_operation*));
FIELD(mxd_host, uia_create_session, 88,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_session*));
FIELD(mxd_host, uia_load_session, 96,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, mxd_view));
FIELD(mxd_host, uia_check, 104,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_attempt*));
FIELD(mxd_host, uia_record, 112,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_uia_record*));
FIELD(mxd_host, put_device, 120,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_device_update*));
FIELD(mxd_host, mark_validated, 128,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, int64_t));
FIELD(mxd_host, take_limit, 136,
      int32_t (*)(mxd_cookie, mxd_cookie, mxd_op, mxd_cookie, const mxd_limit*, size_t, int32_t));
FIELD(mxd_host, cancel_operation, 144, void (*)(mxd_cookie, mxd_op));
FIELD(mxd_host, release_principal, 152, void (*)(mxd_cookie, mxd_cookie));
FIELD(mxd_host, now_ms, 160, int64_t (*)(mxd_cookie));
FIELD(mxd_host, random_bytes, 168, int32_t (*)(mxd_cookie, void*, size_t));
FIELD(mxd_host, log, 176, void (*)(mxd_cookie, mxd_cookie, int32_t, mxd_view));
FIELD(mxd_host, get_extension, 184, const void* (*)(mxd_cookie, const char*));

GROWS(mxd_module, 192);
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
FIELD(mxd_module, max_body_bytes, 72, uint64_t (*)(mxd_instance*));
FIELD(mxd_module, route, 80, int32_t (*)(mxd_instance*, uint32_t, mxd_route*));
FIELD(mxd_module, complete, 88, int32_t (*)(mxd_op, int32_t));
FIELD(mxd_module, emit_principal, 96, int32_t (*)(mxd_op, const mxd_principal*));
FIELD(mxd_module, emit_device, 104, int32_t (*)(mxd_op, const mxd_device*));
FIELD(mxd_module, emit_flow_stage, 112, int32_t (*)(mxd_op, uint32_t, mxd_view));
FIELD(mxd_module, emit_params, 120, int32_t (*)(mxd_op, mxd_view, mxd_view));
FIELD(mxd_module, emit_session_id, 128, int32_t (*)(mxd_op, mxd_view));
FIELD(mxd_module, emit_session, 136, int32_t (*)(mxd_op, const mxd_session*));
FIELD(mxd_module, emit_completed_stage, 144, int32_t (*)(mxd_op, mxd_view, mxd_view));
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
VALUE(MXD_INTERNAL, -1);
VALUE(MXD_UNAVAILABLE, -2);
VALUE(MXD_TIMEOUT, -3);
VALUE(MXD_CANCELLED, -4);
VALUE(MXD_NO_MEMORY, -5);
VALUE(MXD_INVALID_ARGUMENT, -6);
VALUE(MXD_STALE, -7);
VALUE(MXD_BUSY, -8);
VALUE(MXD_UNSUPPORTED, -9);
VALUE(MXD_REQUEST_BODY_TOO_LARGE, 1u);
VALUE(MXD_PRINCIPAL_GUEST, 1u);
VALUE(MXD_PRINCIPAL_APPSERVICE, 2u);
VALUE(MXD_PRINCIPAL_OAUTH, 4u);
VALUE(MXD_PRINCIPAL_UNLIMITED, 8u);
VALUE(MXD_PRINCIPAL_HAS_VALIDATED_MS, 16u);
VALUE(MXD_DEVICE_HAS_DISPLAY_NAME, 1u);
VALUE(MXD_DEVICE_HAS_LAST_SEEN_IP, 2u);
VALUE(MXD_DEVICE_HAS_LAST_SEEN_TS, 4u);
VALUE(MXD_CREDENTIALS_HAS_USER_ID, 1u);
VALUE(MXD_CREDENTIALS_HAS_DEVICE_ID, 2u);
VALUE(MXD_SET_DISPLAY_NAME, 1u);
VALUE(MXD_SESSION_HAS_BODY, 1u);
VALUE(MXD_SESSION_FINISHED, 2u);
VALUE(MXD_RECORD_STAGE, 1u);
VALUE(MXD_RECORD_HAS_IDENTITY, 2u);
VALUE(MXD_RECORD_FINISH, 4u);
VALUE(MXD_RECORD_HAS_BODY, 8u);
VALUE(MXD_LOG_DEBUG, 0);
VALUE(MXD_LOG_INFO, 1);
VALUE(MXD_LOG_WARNING, 2);
VALUE(MXD_LOG_ERROR, 3);
VALUE(MXD_LOG_HOST_MISBEHAVING, 4);
VALUE(MXD_HOST_CAP_ATOMIC_DELETE, UINT64_C(1));
VALUE(MXD_CAP_MUST_UNDERSTAND, UINT64_C(0xFFFF000000000000));
