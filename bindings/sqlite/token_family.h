// Whose a token was that is not good any more.
//
// A token that can expire or be replaced bears the mark of the login that it came from: the name of
// its family, and a code over itself with the family's key. So one row a login tells for good, of
// every token that the login ever had, that it was one (T2), and no digest has to be kept. A family
// ends with its device, or with the next login on the same device ID.
#ifndef MXD_BINDINGS_SQLITE_TOKEN_FAMILY_H
#define MXD_BINDINGS_SQLITE_TOKEN_FAMILY_H

#include <cstdint>
#include <string>
#include <string_view>

#include "bindings/sqlite/connection.h"

namespace mxd::sqlite {

inline constexpr std::string_view kAccessTokenPrefix = "mxt_";
inline constexpr std::string_view kRefreshTokenPrefix = "mxr_";

struct TokenFamily {
  std::string name;  // 9 bytes, random
  std::string key;   // 32 bytes, random; it makes nothing that would be let in

  // A new token of it: name, 144 random bits and code, in base64url.
  std::string make_token(std::string_view prefix) const;
};

// In the writer's transaction: the family of a device, begun if it has none.
TokenFamily family_of(Connection& writer, int64_t device);

// In the writer's transaction: the tokens that the device had until now were never there.
void end_family(Connection& writer, int64_t device);

// Whether `token`, which is not good (any more), was given out with this prefix to a login of a
// device that is still there.
bool was_token(Connection& connection, std::string_view token, std::string_view prefix);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_TOKEN_FAMILY_H
