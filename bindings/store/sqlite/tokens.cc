#include "bindings/store/sqlite/tokens.h"

#include <optional>
#include <string>

#include "bindings/store/common/clock.h"
#include "bindings/store/common/ids.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/accounts.h"
#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/devices.h"
#include "bindings/store/sqlite/token_families.h"

namespace mxd::store::sqlite {
namespace {

constexpr size_t kNewDeviceIdLetters = 10;
constexpr int64_t kMaxSiblings = 64;  // pairs that replace the same one

int64_t last_row(Connection& writer) {
  return writer.database().getLastInsertRowid();
}

// The device that is logged in on: of this ID, without its old tokens, or a new one if there is
// room. `device_id` is filled in.
std::optional<int64_t> take_device(Connection& writer, int64_t account,
                                   const mxd_store_login& login, int64_t now_ms,
                                   std::string& device_id) {
  device_id = std::string(text(login.device_id));
  while (device_id.empty() ||
         (login.device_id.size == 0 && find_device(writer, account, device_id)))
    device_id = random_letters(kNewDeviceIdLetters, 'A');
  if (const std::optional<int64_t> device = find_device(writer, account, device_id)) {
    delete_tokens(writer, *device);
    return device;
  }
  if (!has_room(writer, account, login.max_devices)) return std::nullopt;  // T12
  std::optional<std::string_view> name;
  if (login.initial_device_display_name.size != 0) name = text(login.initial_device_display_name);
  return add_device(writer, account, device_id, name, now_ms);
}

int64_t insert_pair(Connection& writer, int64_t device, std::optional<int64_t> replaces) {
  Query(writer, "INSERT INTO token_pairs (device, replaces) VALUES (?1, ?2)", device, replaces)
      .execute();
  return last_row(writer);
}

// Gives out an access token and, for a pair, a refresh token. A negative lifetime: no end.
void insert_tokens(Store& store, Connection& writer, int64_t device, std::optional<int64_t> pair,
                   bool is_oauth, int64_t lifetime_ms, mxd_store_tokens& out) {
  // What neither expires nor is replaced only ever ends with its login (T2).
  std::optional<TokenFamily> family;
  if (pair || lifetime_ms >= 0) family = family_of(writer, device);
  const std::string access_token =
      family ? family->make_token(kAccessTokenPrefix) : random_token(kAccessTokenPrefix);
  std::optional<int64_t> expires_ms;
  if (lifetime_ms >= 0) expires_ms = after_ms(store.now_ms(), lifetime_ms);
  Query(writer,
        "INSERT INTO access_tokens (digest, device, pair, oauth, expires_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        Blob{bytes_of(digest_of(access_token))}, device, pair, is_oauth, expires_ms)
      .execute();
  copy_terminated(out.access_token, access_token);
  out.expires_in_ms = lifetime_ms >= 0 ? lifetime_ms : -1;
  if (!pair) return;
  const std::string refresh_token = family->make_token(kRefreshTokenPrefix);
  Query(writer,
        "INSERT INTO refresh_tokens (digest, device, pair, oauth, given_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        Blob{bytes_of(digest_of(refresh_token))}, device, *pair, is_oauth, store.now_ms())
      .execute();
  copy_terminated(out.refresh_token, refresh_token);
}

constexpr const char* kFindRefreshToken =
    "SELECT r.pair, r.device, r.oauth, d.device_id, a.user_id, a.locked"
    " FROM refresh_tokens r JOIN devices d USING (device) JOIN accounts a USING (account)"
    " WHERE r.digest = ?1 AND d.device > a.gone_through";

constexpr const char* kFindAccessToken =
    "SELECT d.device, d.account FROM access_tokens t JOIN devices d USING (device)"
    " JOIN accounts a USING (account) WHERE t.digest = ?1 AND d.device > a.gone_through";

// Asked before the writer is: tokens that somebody makes up take none of the time that others wait
// for.
bool is_there(Store& store, const char* find, const Digest& digest) {
  const ReadPool::Lease connection(store.readers);
  return Query(*connection, find, Blob{bytes_of(digest)}).next();
}

Outcome refuse_refresh_token(Connection& connection, std::string_view token) {
  if (was_token(connection, token, kRefreshTokenPrefix)) {  // T2
    return {MXD_TOKEN_EXPIRED, "the refresh token was used: log in again on the same device"};
  }
  return {MXD_UNKNOWN_TOKEN, "the refresh token is unknown: log in again"};
}

Outcome refuse_access_token(Connection& connection, std::string_view token) {
  if (was_token(connection, token, kAccessTokenPrefix)) {  // T2
    return {MXD_TOKEN_EXPIRED, "the access token was replaced"};
  }
  return {MXD_UNKNOWN_TOKEN, "the access token is unknown"};
}

}  // namespace

Outcome Store::login(const mxd_store_login& login, mxd_store_tokens& out) {
  if (login.device_id.size != 0 && !is_valid_device_id(text(login.device_id))) {
    return {MXD_INVALID_ARGUMENT,
            "a device ID has 255 bytes at most, and no control characters in it"};
  }
  const bool is_refreshable = (login.flags & MXD_STORE_LOGIN_REFRESHABLE) != 0;
  const bool is_oauth = (login.flags & MXD_STORE_LOGIN_OAUTH) != 0;
  const int64_t lifetime_ms =
      login.lifetime_ms < 0 && is_refreshable ? access_token_ms : login.lifetime_ms;
  return writer.run([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, text(login.name), account);
    if (!succeeded(outcome.status)) return outcome;
    if (account->is_deactivated) return {MXD_FORBIDDEN, account->user_id + " is deactivated"};
    if (account->is_locked) return {MXD_USER_LOCKED, account->user_id + " is locked"};
    std::string device_id;
    const std::optional<int64_t> device =
        take_device(connection, account->row, login, now_ms(), device_id);
    if (!device) {
      return {MXD_LIMIT_EXCEEDED,
              account->user_id + " has as many devices as it may: sign one out first"};
    }
    std::optional<int64_t> pair;
    if (is_refreshable) pair = insert_pair(connection, *device, std::nullopt);
    copy_terminated(out.user_id, account->user_id);
    copy_terminated(out.device_id, device_id);
    insert_tokens(*this, connection, *device, pair, is_oauth, lifetime_ms, out);
    return {};
  });
}

Outcome Store::refresh(std::string_view refresh_token, mxd_store_tokens& out) {
  const Digest digest = digest_of(refresh_token);
  if (!is_there(*this, kFindRefreshToken, digest)) {
    return refuse_refresh_token(*ReadPool::Lease(readers), refresh_token);
  }
  return writer.run_with_reserve([&](Connection& connection) -> Outcome {
    Query row(connection, kFindRefreshToken, Blob{bytes_of(digest)});
    if (!row.next()) return refuse_refresh_token(connection, refresh_token);
    if (row.integer(5) != 0) return {MXD_USER_LOCKED, std::string(row.text(4)) + " is locked"};
    const int64_t old_pair = row.integer(0);
    const int64_t device = row.integer(1);
    delete_replaced_pair(connection, old_pair);
    copy_terminated(out.user_id, row.text(4));
    copy_terminated(out.device_id, row.text(3));
    const int64_t pair = insert_pair(connection, device, old_pair);
    insert_tokens(*this, connection, device, pair, row.integer(2) != 0, access_token_ms, out);
    // T1: the answers to a few refreshes at once are all good; one that is repeated for ever fills
    // no disk.
    Query(connection,
          "DELETE FROM token_pairs WHERE pair IN (SELECT pair FROM token_pairs"
          " WHERE replaces = ?1 ORDER BY pair DESC LIMIT -1 OFFSET ?2)",
          old_pair, kMaxSiblings)
        .execute();
    return {};
  });
}

Outcome Store::logout(std::string_view access_token, bool all) {
  const Digest digest = digest_of(access_token);
  if (!is_there(*this, kFindAccessToken, digest)) {
    return refuse_access_token(*ReadPool::Lease(readers), access_token);
  }
  Outcome outcome = writer.run_with_reserve([&](Connection& connection) -> Outcome {
    int64_t device;
    int64_t account;
    {
      Query row(connection, kFindAccessToken, Blob{bytes_of(digest)});
      if (!row.next()) return refuse_access_token(connection, access_token);
      device = row.integer(0);
      account = row.integer(1);
    }
    if (all) {
      delete_all_devices(connection, account);
    } else {
      delete_device(connection, device);
    }
    return {};
  });
  if (all) sweeper.wake();
  return outcome;
}

void delete_replaced_pair(Connection& writer, int64_t pair) {
  for (const char* sql :
       {"UPDATE access_tokens SET pair = NULL WHERE pair IN (SELECT s.pair FROM token_pairs p"
        " JOIN token_pairs s ON s.replaces = p.replaces AND s.pair <> p.pair WHERE p.pair = ?1)",
        "DELETE FROM token_pairs WHERE pair IN (SELECT s.pair FROM token_pairs p"
        " JOIN token_pairs s ON s.replaces = p.replaces AND s.pair <> p.pair WHERE p.pair = ?1)",
        "DELETE FROM token_pairs WHERE pair = (SELECT replaces FROM token_pairs"
        " WHERE pair = ?1)"}) {
    Query(writer, sql, pair).execute();
  }
}

}  // namespace mxd::store::sqlite
