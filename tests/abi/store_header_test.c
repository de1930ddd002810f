/* What header_test.c is for module.h: store.h needs nothing before it, has no padding, and its
 * sizes of 1.0 are where the last field of 1.0 ends. Compiling this is the test. */
#include "matrix_devices/store.h"

#define SIZE(type, name, last)                                                            \
  extern char size_of_##type[MXD_STORE_ABI_MINOR > 0 || sizeof(type) == (name) ? 1 : -1]; \
  extern char words_of_##type[sizeof(type) % 8 == 0 ? 1 : -1];                            \
  extern char end_of_##type[offsetof(type, last) + sizeof(((type*)0)->last) == (name) ? 1 : -1]

SIZE(mxd_store_options, MXD_STORE_OPTIONS_SIZE_1_0, reserved);
SIZE(mxd_store_lifetimes, MXD_STORE_LIFETIMES_SIZE_1_0, device_ms);
SIZE(mxd_store_swept, MXD_STORE_SWEPT_SIZE_1_0, devices);
SIZE(mxd_store_backup, MXD_STORE_BACKUP_SIZE_1_0, cookie);
SIZE(mxd_store_export, MXD_STORE_EXPORT_SIZE_1_0, cookie);
SIZE(mxd_store_import, MXD_STORE_IMPORT_SIZE_1_0, cookie);
SIZE(mxd_store_finding, MXD_STORE_FINDING_SIZE_1_0, text);
SIZE(mxd_store_service, MXD_STORE_SERVICE_SIZE_1_0, reserved);
SIZE(mxd_store_account, MXD_STORE_ACCOUNT_SIZE_1_0, service_id);
SIZE(mxd_store_account_query, MXD_STORE_ACCOUNT_QUERY_SIZE_1_0, after);
SIZE(mxd_store_name, MXD_STORE_NAME_SIZE_1_0, name);
SIZE(mxd_store_new_account, MXD_STORE_NEW_ACCOUNT_SIZE_1_0, service_id);
SIZE(mxd_store_account_change, MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0, name);
SIZE(mxd_store_password, MXD_STORE_PASSWORD_SIZE_1_0, password);
SIZE(mxd_store_user, MXD_STORE_USER_SIZE_1_0, user_id);
SIZE(mxd_store_device, MXD_STORE_DEVICE_SIZE_1_0, last_seen_ip);
SIZE(mxd_store_device_query, MXD_STORE_DEVICE_QUERY_SIZE_1_0, after);
SIZE(mxd_store_devices, MXD_STORE_DEVICES_SIZE_1_0, device_id_count);
SIZE(mxd_store_affected, MXD_STORE_AFFECTED_SIZE_1_0, device_id);
SIZE(mxd_store_login, MXD_STORE_LOGIN_SIZE_1_0, initial_device_display_name);
SIZE(mxd_store_refresh, MXD_STORE_REFRESH_SIZE_1_0, refresh_token);
SIZE(mxd_store_tokens, MXD_STORE_TOKENS_SIZE_1_0, refresh_token);
SIZE(mxd_store_logout, MXD_STORE_LOGOUT_SIZE_1_0, access_token);
SIZE(mxd_store_token, MXD_STORE_TOKEN_SIZE_1_0, token);
SIZE(mxd_store_identity, MXD_STORE_IDENTITY_SIZE_1_0, service_id);
SIZE(mxd_store_library, MXD_STORE_LIBRARY_SIZE_1_0, get_extension);

int uses_the_contract(const mxd_store_library* library, mxd_store* store);

int uses_the_contract(const mxd_store_library* library, mxd_store* store) {
  return library->check(store, 0, 0);
}
