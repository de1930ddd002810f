// The tokens that are given out.
//
// A token is a prefix and, in base64url, the account that it is of (account_key.h) and what makes
// it this one: random bits or, of a family (token_family.h), a name, random bits and a code. So an
// engine that spreads its tables over shards knows where to look for it. The account is no secret,
// and proves nothing: what is kept, and looked for, is the digest of the whole token.
#ifndef MXD_BINDINGS_STORE_COMMON_TOKEN_H
#define MXD_BINDINGS_STORE_COMMON_TOKEN_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mxd::store {

inline constexpr std::string_view kAccessTokenPrefix = "mxt_";
inline constexpr std::string_view kRefreshTokenPrefix = "mxr_";

inline constexpr size_t kAccountBytes = sizeof(int64_t);
inline constexpr size_t kRandomTokenBytes = 32;  // after the account; of no family
inline constexpr size_t kFamilyTokenBytes = 43;  // after the account; see token_family.cc

// A new token of no family.
std::string random_token(std::string_view prefix, int64_t account);

// Whose a token says it is. Nothing if it is none of ours, or from before tokens said that.
std::optional<int64_t> account_of_token(std::string_view token, std::string_view prefix);

// The account's bytes, big-endian, the other way round, of bytes that begin with them, and a token
// of such bytes and what follows them.
std::string bytes_of_account(int64_t account);
int64_t account_of_bytes(std::string_view bytes);
std::string token_of(std::string_view prefix, std::string_view bytes);

// The bytes of a token; nothing if they are too many, or it has another prefix.
std::optional<std::string> bytes_of_token(std::string_view token, std::string_view prefix);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_TOKEN_H
