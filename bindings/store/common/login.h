// What a login asks for, and the tokens that it and a refresh are answered with.
#ifndef MXD_BINDINGS_STORE_COMMON_LOGIN_H
#define MXD_BINDINGS_STORE_COMMON_LOGIN_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/token_family.h"
#include "matrix_devices/store.h"

namespace mxd::store {

inline constexpr int64_t kDefaultAccessTokenMs = 10 * 60 * 1000;

// T1: pairs that replace the same one. The answers to a few refreshes at once are all good; one
// that is repeated for ever fills no disk.
inline constexpr int64_t kMaxSiblings = 64;

struct LoginTerms {
  bool is_refreshable;
  bool is_oauth;
  int64_t lifetime_ms;  // of the access token; < 0: no end
  std::optional<std::string_view> display_name;

  // What neither expires nor is replaced only ever ends with its login (T2).
  bool needs_family() const { return is_refreshable || lifetime_ms >= 0; }
};

// INVALID_ARGUMENT: a device ID or a name that can be none.
Outcome read_login(const mxd_store_login& login, int64_t access_token_ms, LoginTerms& terms);

// For a login that names none.
std::string new_device_id();

// As they are given out, and as they are kept.
struct NewTokens {
  std::string access_token;
  Digest access_digest;
  int64_t lifetime_ms;  // < 0: no end
  std::optional<int64_t> expires_ms;
  std::string refresh_token;  // empty: none
  std::optional<Digest> refresh_digest;

  // Into the record, which says already whose they are.
  void give(mxd_store_tokens& out) const;
};

// An access token and, if it is wanted, a refresh token, which takes a family.
NewTokens make_tokens(int64_t account, const std::optional<TokenFamily>& family, bool refreshable,
                      int64_t lifetime_ms, int64_t now_ms);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_LOGIN_H
