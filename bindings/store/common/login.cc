#include "bindings/store/common/login.h"

#include "bindings/store/common/clock.h"
#include "bindings/store/common/ids.h"
#include "bindings/store/common/text.h"

namespace mxd::store {
namespace {

constexpr size_t kNewDeviceIdLetters = 10;

}  // namespace

Outcome read_login(const mxd_store_login& login, int64_t access_token_ms, LoginTerms& terms) {
  const std::string_view device_id = text(login.device_id);
  if (!device_id.empty() && !(is_valid_device_id(device_id) && is_text(device_id))) {
    return {MXD_INVALID_ARGUMENT,
            "a device ID has 255 bytes of UTF-8 at most, and no control characters in it"};
  }
  const std::string_view name = text(login.initial_device_display_name);
  if (!is_text(name)) {
    return {MXD_INVALID_ARGUMENT, "a device's name is UTF-8 without U+0000: take another one"};
  }
  terms.is_refreshable = (login.flags & MXD_STORE_LOGIN_REFRESHABLE) != 0;
  terms.is_oauth = (login.flags & MXD_STORE_LOGIN_OAUTH) != 0;
  terms.lifetime_ms =
      login.lifetime_ms < 0 && terms.is_refreshable ? access_token_ms : login.lifetime_ms;
  if (!name.empty()) terms.display_name = name;
  return {};
}

std::string new_device_id() {
  return random_letters(kNewDeviceIdLetters, 'A');
}

NewTokens make_tokens(int64_t account, const std::optional<TokenFamily>& family, bool refreshable,
                      int64_t lifetime_ms, int64_t now_ms) {
  NewTokens tokens;
  tokens.access_token = family ? family->make_token(kAccessTokenPrefix, account)
                               : random_token(kAccessTokenPrefix, account);
  tokens.access_digest = digest_of(tokens.access_token);
  tokens.lifetime_ms = lifetime_ms;
  if (lifetime_ms >= 0) tokens.expires_ms = after_ms(now_ms, lifetime_ms);
  if (refreshable) {
    tokens.refresh_token = family->make_token(kRefreshTokenPrefix, account);
    tokens.refresh_digest = digest_of(tokens.refresh_token);
  }
  return tokens;
}

void NewTokens::give(mxd_store_tokens& out) const {
  out.expires_in_ms = lifetime_ms >= 0 ? lifetime_ms : -1;
  copy_terminated(out.access_token, access_token);
  copy_terminated(out.refresh_token, refresh_token);
}

}  // namespace mxd::store
