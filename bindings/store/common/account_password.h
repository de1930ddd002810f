// The passwords of account functions, on the threads that hash.
#ifndef MXD_BINDINGS_STORE_COMMON_ACCOUNT_PASSWORD_H
#define MXD_BINDINGS_STORE_COMMON_ACCOUNT_PASSWORD_H

#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/password.h"

namespace mxd::store {

// Of a password that is set. INVALID_ARGUMENT: it is empty, or holds U+0000; UNAVAILABLE.
Outcome hash_new_password(PasswordThreads& threads, std::string_view password,
                          std::optional<std::string>& hash);

// FORBIDDEN: it is another one, or there is no hash (which takes as long); UNAVAILABLE.
Outcome compare_password(PasswordThreads& threads, const std::optional<std::string>& hash,
                         std::string_view password);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_ACCOUNT_PASSWORD_H
