// Login, refresh, logout.
#include <cstring>
#include <optional>
#include <string>

#include "bindings/store/common/login.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/token.h"
#include "bindings/store/common/token_family.h"
#include "bindings/store/postgres/accounts.h"

namespace mxd::store::postgres {
namespace {

constexpr Statement kLogin{
    "SELECT matrix_devices.login($1::bigint, $2::text, $3::text, $4::boolean, $5::text,"
    " $6::bigint, $7::bytea, $8::bytea, $9::boolean, $10::bytea, $11::bigint, $12::bytea,"
    " $13::bigint)"};

constexpr Statement kFindRefreshToken{
    "SELECT a.user_id, t.device_id, f.name, f.key FROM matrix_devices.refresh_tokens AS t"
    " JOIN matrix_devices.accounts AS a ON a.account = $1::bigint"
    " LEFT JOIN matrix_devices.token_families AS f"
    " ON f.account = $1::bigint AND f.device_id = t.device_id"
    " WHERE t.account = $1::bigint AND t.digest = $2::bytea"};

constexpr Statement kRefresh{
    "SELECT matrix_devices.refresh($1::bigint, $2::bytea, $3::bytea, $4::bytea, $5::bytea,"
    " $6::bigint, $7::bytea, $8::bigint, $9::bigint)"};

constexpr Statement kLogout{"SELECT matrix_devices.logout($1::bigint, $2::bytea, $3::boolean)"};

constexpr Statement kLostToken{
    "SELECT matrix_devices.lost_token($1::bigint, $2::bytea, $3::bytea)"};

std::optional<Bytes> optional_bytes(const std::optional<Digest>& digest) {
  if (!digest) return std::nullopt;
  return Bytes{bytes_of(*digest)};
}

// Whether a token that is not good was given out, and its device is still there (T2).
Outcome find_lost(Store& store, int64_t account, std::string_view token, std::string_view prefix,
                  const Digest& digest, bool& was_one) {
  const std::optional<std::string> name = family_name_of(token, prefix);
  std::optional<Bytes> family;
  if (name) family = Bytes{*name};
  const Database::Reply reply = store.database.run(
      Kind::kRead, kLostToken, Parameters(account, Bytes{bytes_of(digest)}, family));
  if (!succeeded(reply.outcome.status)) return reply.outcome;
  const std::optional<std::string_view> key = reply.rows.optional_text(0, 0);
  was_one = key && (key->empty() || TokenFamily{*name, std::string(*key)}.made(token, prefix));
  return {};
}

Outcome refuse_refresh_token(Store& store, int64_t account, std::string_view token,
                             const Digest& digest) {
  bool was_one = false;
  Outcome outcome = find_lost(store, account, token, kRefreshTokenPrefix, digest, was_one);
  return succeeded(outcome.status) ? bad_refresh_token(was_one) : outcome;
}

Outcome refuse_access_token(Store& store, int64_t account, std::string_view token,
                            const Digest& digest) {
  bool was_one = false;
  Outcome outcome = find_lost(store, account, token, kAccessTokenPrefix, digest, was_one);
  return succeeded(outcome.status) ? bad_access_token(was_one) : outcome;
}

Outcome refused_login(int64_t status, const std::string& user_id) {
  switch (status) {
    case MXD_OK:
      return {};
    case MXD_USER_LOCKED:
      return account_is_locked(user_id);
    case MXD_FORBIDDEN:
      return account_is_deactivated(user_id);
    default:
      return too_many_devices(user_id);
  }
}

}  // namespace

Outcome Store::login(const mxd_store_login& login, mxd_store_tokens& out) {
  LoginTerms terms;
  Outcome readable = read_login(login, access_token_ms, terms);
  if (!succeeded(readable.status)) return readable;
  const bool is_new = login.device_id.size == 0;
  std::string device_id(text(login.device_id));
  std::optional<TokenFamily> family;
  if (terms.needs_family()) family = TokenFamily::make();
  const auto attempt = [&](int64_t account, const std::string& user_id, bool& is_there) -> Outcome {
    const NewTokens tokens =
        make_tokens(account, family, terms.is_refreshable, terms.lifetime_ms, now_ms());
    std::optional<Bytes> name;
    std::optional<Bytes> key;
    if (family) {
      name = Bytes{family->name};
      key = Bytes{family->key};
    }
    int64_t status = MXD_CONFLICT;
    while (status == MXD_CONFLICT) {
      if (is_new) device_id = new_device_id();
      const Database::Reply reply = database.run(
          Kind::kWrite, kLogin,
          Parameters(account, user_id, device_id, is_new, terms.display_name, login.max_devices,
                     name, key, terms.is_oauth, Bytes{bytes_of(tokens.access_digest)},
                     tokens.expires_ms, optional_bytes(tokens.refresh_digest), now_ms()));
      if (!succeeded(reply.outcome.status)) return reply.outcome;
      is_there = !reply.rows.is_null(0, 0);
      if (!is_there) return {};
      status = reply.rows.integer(0, 0);
    }
    if (status != MXD_OK) return refused_login(status, user_id);
    copy_terminated(out.user_id, user_id);
    copy_terminated(out.device_id, device_id);
    tokens.give(out);
    return {};
  };
  return with_named_account(*this, text(login.name), attempt);
}

Outcome Store::refresh(std::string_view refresh_token, mxd_store_tokens& out) {
  const std::optional<int64_t> account = account_of_token(refresh_token, kRefreshTokenPrefix);
  if (!account) return bad_refresh_token(false);
  const Digest digest = digest_of(refresh_token);
  int64_t status = MXD_CONFLICT;
  while (status == MXD_CONFLICT) {
    // New tokens are coded with the key of the family. This keeps tokens that somebody makes up
    // away from what others write, too.
    const Database::Reply found =
        database.run(Kind::kRead, kFindRefreshToken, Parameters(*account, Bytes{bytes_of(digest)}));
    if (!succeeded(found.outcome.status)) return found.outcome;
    if (found.rows.empty()) return refuse_refresh_token(*this, *account, refresh_token, digest);
    std::optional<TokenFamily> family = TokenFamily::make();
    if (!found.rows.is_null(0, 2)) {
      family = TokenFamily{std::string(found.rows.text(0, 2)), std::string(found.rows.text(0, 3))};
    }
    const NewTokens tokens = make_tokens(*account, family, true, access_token_ms, now_ms());
    const Database::Reply reply = database.run(
        Kind::kWrite, kRefresh,
        Parameters(*account, Bytes{bytes_of(digest)}, Bytes{family->name}, Bytes{family->key},
                   Bytes{bytes_of(tokens.access_digest)}, tokens.expires_ms,
                   optional_bytes(tokens.refresh_digest), kMaxSiblings, now_ms()));
    if (!succeeded(reply.outcome.status)) return reply.outcome;
    status = reply.rows.integer(0, 0);
    const std::string user_id(found.rows.text(0, 0));
    if (status == MXD_USER_LOCKED) return account_is_locked(user_id);
    if (status == MXD_UNKNOWN_TOKEN) {
      return refuse_refresh_token(*this, *account, refresh_token, digest);
    }
    if (status != MXD_OK) continue;
    copy_terminated(out.user_id, user_id);
    copy_terminated(out.device_id, found.rows.text(0, 1));
    tokens.give(out);
  }
  return {};
}

Outcome Store::logout(std::string_view access_token, bool all) {
  const std::optional<int64_t> account = account_of_token(access_token, kAccessTokenPrefix);
  if (!account) return bad_access_token(false);
  const Digest digest = digest_of(access_token);
  const Database::Reply reply = database.run(all ? Kind::kLongWrite : Kind::kWrite, kLogout,
                                             Parameters(*account, Bytes{bytes_of(digest)}, all));
  if (!succeeded(reply.outcome.status)) return reply.outcome;
  return reply.rows.flag(0, 0) ? Outcome{}
                               : refuse_access_token(*this, *account, access_token, digest);
}

}  // namespace mxd::store::postgres
