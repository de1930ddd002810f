// What account functions refuse, in the same words whatever the engine.
#ifndef MXD_BINDINGS_STORE_COMMON_REFUSALS_H
#define MXD_BINDINGS_STORE_COMMON_REFUSALS_H

#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"

namespace mxd::store {

Outcome no_account(std::string_view name);                                // NOT_FOUND
Outcome no_device(std::string_view user_id, std::string_view device_id);  // NOT_FOUND
Outcome name_is_taken(std::string_view user_id);                          // BUSY
Outcome account_is_deactivated(std::string_view user_id);                 // FORBIDDEN
Outcome account_is_locked(std::string_view user_id);                      // USER_LOCKED
Outcome too_many_devices(std::string_view user_id);                       // LIMIT_EXCEEDED
Outcome nobodys_name(std::string_view server_name);                       // INVALID_ARGUMENT

// Of tokens that are not good. `was_one`: it was given out, and its device is still there (T2):
// TOKEN_EXPIRED, else UNKNOWN_TOKEN.
Outcome bad_refresh_token(bool was_one);
Outcome bad_access_token(bool was_one);
Outcome nobodys_token();  // UNKNOWN_TOKEN

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_REFUSALS_H
