/* The whole of a translation unit that knows the contract only: module.h needs nothing before it.
 * Compiling this, as C and as C++, for words of 64 bits and of 32, with -Wpadded and every other
 * warning an error, is the test. */
#include "matrix_devices/module.h"

/* The size of version 1.0, written as arithmetic for generators of bindings, is where the last
   field of 1.0 ends, and in a header of 1.0 all that there is of the struct. */
#define SIZE(type, name, last)                                                      \
  extern char size_of_##type[MXD_ABI_MINOR > 0 || sizeof(type) == (name) ? 1 : -1]; \
  extern char end_of_##type[offsetof(type, last) + sizeof(((type*)0)->last) == (name) ? 1 : -1]

SIZE(mxd_request, MXD_REQUEST_SIZE_1_0, remote_addr);
SIZE(mxd_response, MXD_RESPONSE_SIZE_1_0, body);
SIZE(mxd_route, MXD_ROUTE_SIZE_1_0, path);
SIZE(mxd_principal, MXD_PRINCIPAL_SIZE_1_0, reserved);
SIZE(mxd_device, MXD_DEVICE_SIZE_1_0, last_seen_ip);
SIZE(mxd_uia_stage, MXD_UIA_STAGE_SIZE_1_0, params);
SIZE(mxd_uia_kept, MXD_UIA_KEPT_SIZE_1_0, state);
SIZE(mxd_uia_completed, MXD_UIA_COMPLETED_SIZE_1_0, identity);
SIZE(mxd_error, MXD_ERROR_SIZE_1_0, extra_json);
SIZE(mxd_credentials, MXD_CREDENTIALS_SIZE_1_0, remote_addr);
SIZE(mxd_device_query, MXD_DEVICE_QUERY_SIZE_1_0, user_id);
SIZE(mxd_device_key, MXD_DEVICE_KEY_SIZE_1_0, device_id);
SIZE(mxd_device_update, MXD_DEVICE_UPDATE_SIZE_1_0, display_name);
SIZE(mxd_deletion, MXD_DELETION_SIZE_1_0, user_id);
SIZE(mxd_uia_operation, MXD_UIA_OPERATION_SIZE_1_0, endpoint);
SIZE(mxd_uia_session, MXD_UIA_SESSION_SIZE_1_0, description);
SIZE(mxd_uia_session_key, MXD_UIA_SESSION_KEY_SIZE_1_0, session_id);
SIZE(mxd_uia_replacement, MXD_UIA_REPLACEMENT_SIZE_1_0, state);
SIZE(mxd_uia_attempt, MXD_UIA_ATTEMPT_SIZE_1_0, auth_json);
SIZE(mxd_validation, MXD_VALIDATION_SIZE_1_0, token_id);
SIZE(mxd_limit_request, MXD_LIMIT_REQUEST_SIZE_1_0, limit_count);
SIZE(mxd_host, MXD_HOST_SIZE_1_0, get_extension);
SIZE(mxd_module, MXD_MODULE_SIZE_1_0, get_extension);

int uses_the_contract(const mxd_module* module, mxd_op op);
int knows_how_much_there_is(const mxd_device* record);

int uses_the_contract(const mxd_module* module, mxd_op op) {
  return module->complete(op, MXD_OK);
}

int knows_how_much_there_is(const mxd_device* record) {
  return MXD_HAS(record, last_seen_ip) ? 1 : 0;
}
