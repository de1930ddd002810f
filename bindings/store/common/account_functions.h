// The functions of the table that are about accounts, their devices and tokens: as store.h has
// them.
#ifndef MXD_BINDINGS_STORE_COMMON_ACCOUNT_FUNCTIONS_H
#define MXD_BINDINGS_STORE_COMMON_ACCOUNT_FUNCTIONS_H

#include <cstddef>
#include <cstdint>

#include "matrix_devices/store.h"

namespace mxd::store {

int32_t add_account(mxd_store* store, const mxd_store_new_account* given, mxd_store_user* user,
                    char* error, size_t error_size) noexcept;
int32_t list_accounts(mxd_store* store, const mxd_store_account_query* given,
                      int32_t (*visit)(mxd_cookie, const mxd_store_account*) noexcept,
                      mxd_cookie cookie, char* error, size_t error_size) noexcept;
int32_t find_account(mxd_store* store, const mxd_store_name* given,
                     int32_t (*visit)(mxd_cookie, const mxd_store_account*) noexcept,
                     mxd_cookie cookie, char* error, size_t error_size) noexcept;
int32_t change_account(mxd_store* store, const mxd_store_account_change* given, char* error,
                       size_t error_size) noexcept;
int32_t set_password(mxd_store* store, const mxd_store_password* given, char* error,
                     size_t error_size) noexcept;
int32_t check_password(mxd_store* store, const mxd_store_password* given, mxd_store_user* user,
                       char* error, size_t error_size) noexcept;
int32_t list_devices(mxd_store* store, const mxd_store_device_query* given,
                     int32_t (*visit)(mxd_cookie, const mxd_store_device*) noexcept,
                     mxd_cookie cookie, char* error, size_t error_size) noexcept;
int32_t delete_devices(mxd_store* store, const mxd_store_devices* given,
                       mxd_store_affected* affected, char* error, size_t error_size) noexcept;
int32_t revoke_devices(mxd_store* store, const mxd_store_devices* given,
                       mxd_store_affected* affected, char* error, size_t error_size) noexcept;
int32_t revoke_token(mxd_store* store, const mxd_store_token* given, mxd_store_affected* affected,
                     char* error, size_t error_size) noexcept;
int32_t login(mxd_store* store, const mxd_store_login* given, mxd_store_tokens* tokens, char* error,
              size_t error_size) noexcept;
int32_t refresh(mxd_store* store, const mxd_store_refresh* given, mxd_store_tokens* tokens,
                char* error, size_t error_size) noexcept;
int32_t logout(mxd_store* store, const mxd_store_logout* given, char* error,
               size_t error_size) noexcept;

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_ACCOUNT_FUNCTIONS_H
