// Whose a token was that is not good any more.
//
// A token that can expire or be replaced bears the mark of the login that it came from: the name of
// its family, and a code over itself with the family's key. So one row a login tells for good, of
// every token that the login ever had, that it was one (T2), and no digest has to be kept. A family
// ends with its device, or with the next login on the same device ID.
#ifndef MXD_BINDINGS_STORE_COMMON_TOKEN_FAMILY_H
#define MXD_BINDINGS_STORE_COMMON_TOKEN_FAMILY_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/token.h"

namespace mxd::store {

struct TokenFamily {
  std::string name;  // 9 bytes, random
  std::string key;   // 32 bytes, random; it makes nothing that would be let in

  // Of a login that begins.
  static TokenFamily make();

  // A new token of it: account, name, 144 random bits and code.
  std::string make_token(std::string_view prefix, int64_t account) const;

  // Whether make_token() made this one, with this prefix, now or before tokens named their account.
  bool made(std::string_view token, std::string_view prefix) const;
};

// The name of the family that a token says it is of; nothing if it is no token of any.
std::optional<std::string> family_name_of(std::string_view token, std::string_view prefix);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_TOKEN_FAMILY_H
