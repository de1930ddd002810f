// The `auth` object of a password stage.
#ifndef MXD_BINDINGS_SQLITE_CREDENTIALS_H
#define MXD_BINDINGS_SQLITE_CREDENTIALS_H

#include <memory>
#include <string>
#include <string_view>

#include "bindings/sqlite/password.h"

namespace mxd::sqlite {

// Whom it names: a user, or a third-party identifier in its canonical form.
struct PasswordCredentials {
  std::string user;  // as people type it; empty: see the next two
  std::string medium;
  std::string address;
  std::shared_ptr<const Secret> password;
};

// nullptr, or what is missing or of a wrong type (U4a), in words for a client's developer. Accepts
// the old `user` beside `password`; `identifier` wins (U19).
const char* parse_password_credentials(std::string_view auth_json, PasswordCredentials& out);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_CREDENTIALS_H
