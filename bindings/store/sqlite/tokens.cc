#include "bindings/store/sqlite/tokens.h"

#include <optional>
#include <string>

#include "bindings/store/common/login.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/accounts.h"
#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/devices.h"
#include "bindings/store/sqlite/token_families.h"

namespace mxd::store::sqlite {
namespace {

int64_t last_row(Connection& writer) {
  return writer.database().getLastInsertRowid();
}

// The device that is logged in on: of this ID, without its old tokens, or a new one if there is
// room. `device_id` is filled in.
std::optional<int64_t> take_device(Connection& writer, int64_t account,
                                   const mxd_store_login& login, const LoginTerms& terms,
                                   int64_t now_ms, std::string& device_id) {
  device_id = std::string(text(login.device_id));
  while (device_id.empty() ||
         (login.device_id.size == 0 && find_device(writer, account, device_id)))
    device_id = new_device_id();
  if (const std::optional<int64_t> device = find_device(writer, account, device_id)) {
    delete_tokens(writer, *device);
    return device;
  }
  if (!has_room(writer, account, login.max_devices)) return std::nullopt;  // T12
  return add_device(writer, account, device_id, terms.display_name, now_ms);
}

int64_t insert_pair(Connection& writer, int64_t device, std::optional<int64_t> replaces) {
  Query(writer, "INSERT INTO token_pairs (device, replaces) VALUES (?1, ?2)", device, replaces)
      .execute();
  return last_row(writer);
}

// Gives out an access token and, for a pair, a refresh token, to whom `out` names. A negative
// lifetime: no end.
void insert_tokens(Store& store, Connection& writer, int64_t device, std::optional<int64_t> pair,
                   bool needs_family, bool is_oauth, int64_t lifetime_ms, mxd_store_tokens& out) {
  std::optional<TokenFamily> family;
  if (needs_family) family = family_of(writer, device);
  const int64_t now_ms = store.now_ms();
  const NewTokens tokens = make_tokens(store.account_key.account_of(out.user_id), family,
                                       pair.has_value(), lifetime_ms, now_ms);
  Query(writer,
        "INSERT INTO access_tokens (digest, device, pair, oauth, expires_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        Blob{bytes_of(tokens.access_digest)}, device, pair, is_oauth, tokens.expires_ms)
      .execute();
  if (tokens.refresh_digest) {
    Query(writer,
          "INSERT INTO refresh_tokens (digest, device, pair, oauth, given_ms)"
          " VALUES (?1, ?2, ?3, ?4, ?5)",
          Blob{bytes_of(*tokens.refresh_digest)}, device, *pair, is_oauth, now_ms)
        .execute();
  }
  tokens.give(out);
}

constexpr const char* kFindRefreshToken =
    "SELECT r.pair, r.device, r.oauth, d.device_id, a.user_id, a.locked"
    " FROM refresh_tokens r JOIN devices d USING (device) JOIN accounts a USING (account)"
    " WHERE r.digest = ?1 AND d.device > a.gone_through";

constexpr const char* kFindAccessToken =
    "SELECT d.device, d.account, a.user_id FROM access_tokens t JOIN devices d USING (device)"
    " JOIN accounts a USING (account) WHERE t.digest = ?1 AND d.device > a.gone_through";

// Asked before the writer is: tokens that somebody makes up take none of the time that others wait
// for.
bool is_there(Store& store, const char* find, const Digest& digest) {
  const ReadPool::Lease connection(store.readers);
  return Query(*connection, find, Blob{bytes_of(digest)}).next();
}

Outcome refuse_refresh_token(Connection& connection, std::string_view token) {
  return bad_refresh_token(was_token(connection, token, kRefreshTokenPrefix));
}

Outcome refuse_access_token(Connection& connection, std::string_view token) {
  return bad_access_token(was_token(connection, token, kAccessTokenPrefix));
}

}  // namespace

Outcome Store::login(const mxd_store_login& login, mxd_store_tokens& out) {
  LoginTerms terms;
  Outcome readable = read_login(login, access_token_ms, terms);
  if (!succeeded(readable.status)) return readable;
  return writer.run([&](WriteConnection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, text(login.name), account);
    if (!succeeded(outcome.status)) return outcome;
    if (account->is_deactivated) return account_is_deactivated(account->user_id);
    if (account->is_locked) return account_is_locked(account->user_id);
    connection.concerns(account->user_id);
    std::string device_id;
    const std::optional<int64_t> device =
        take_device(connection, account->row, login, terms, now_ms(), device_id);
    if (!device) return too_many_devices(account->user_id);
    std::optional<int64_t> pair;
    if (terms.is_refreshable) pair = insert_pair(connection, *device, std::nullopt);
    copy_terminated(out.user_id, account->user_id);
    copy_terminated(out.device_id, device_id);
    insert_tokens(*this, connection, *device, pair, terms.needs_family(), terms.is_oauth,
                  terms.lifetime_ms, out);
    return {};
  });
}

Outcome Store::refresh(std::string_view refresh_token, mxd_store_tokens& out) {
  const Digest digest = digest_of(refresh_token);
  if (!is_there(*this, kFindRefreshToken, digest)) {
    return refuse_refresh_token(*ReadPool::Lease(readers), refresh_token);
  }
  return writer.run_with_reserve([&](WriteConnection& connection) -> Outcome {
    Query row(connection, kFindRefreshToken, Blob{bytes_of(digest)});
    if (!row.next()) return refuse_refresh_token(connection, refresh_token);
    if (row.integer(5) != 0) return account_is_locked(row.text(4));
    connection.concerns(row.text(4));
    const int64_t old_pair = row.integer(0);
    const int64_t device = row.integer(1);
    delete_replaced_pair(connection, old_pair);
    copy_terminated(out.user_id, row.text(4));
    copy_terminated(out.device_id, row.text(3));
    const int64_t pair = insert_pair(connection, device, old_pair);
    insert_tokens(*this, connection, device, pair, true, row.integer(2) != 0, access_token_ms, out);
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
  Outcome outcome = writer.run_with_reserve([&](WriteConnection& connection) -> Outcome {
    int64_t device;
    int64_t account;
    {
      Query row(connection, kFindAccessToken, Blob{bytes_of(digest)});
      if (!row.next()) return refuse_access_token(connection, access_token);
      device = row.integer(0);
      account = row.integer(1);
      connection.concerns(row.text(2));
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

void use_new_pair(WriteConnection& writer, int64_t pair) {
  {
    Query row(writer,
              "SELECT a.user_id FROM token_pairs JOIN devices USING (device)"
              " JOIN accounts a USING (account) WHERE pair = ?1",
              pair);
    if (!row.next()) return writer.concerns_nobody();  // it is gone
    writer.concerns(row.text(0));
  }
  delete_replaced_pair(writer, pair);
}

}  // namespace mxd::store::sqlite
