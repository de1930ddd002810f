// What an operator does with the devices of an account.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bindings/store/common/account_rows.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/token.h"
#include "bindings/store/postgres/accounts.h"

namespace mxd::store::postgres {
namespace {

constexpr Statement kReadPage{
    "SELECT d.device_id, d.display_name, d.last_seen_ip, d.created_ms, d.last_seen_ms,"
    " EXISTS (SELECT FROM matrix_devices.access_tokens AS t WHERE t.account = $1::bigint"
    " AND t.device_id = d.device_id AND coalesce(t.expires_ms > $3::bigint, true))"
    " OR EXISTS (SELECT FROM matrix_devices.refresh_tokens AS t WHERE t.account = $1::bigint"
    " AND t.device_id = d.device_id)"
    " FROM matrix_devices.devices AS d WHERE d.account = $1::bigint AND d.device_id > $2::text"
    " ORDER BY d.device_id LIMIT $4::bigint"};

constexpr Statement kDelete{
    "SELECT missing, affected"
    " FROM matrix_devices.delete_named_devices($1::bigint, $2::text, $3::text[])"};

constexpr Statement kRevoke{
    "SELECT missing, affected"
    " FROM matrix_devices.revoke_named_devices($1::bigint, $2::text, $3::text[])"};

constexpr Statement kRevokeToken{
    "SELECT user_id, device_id, affected FROM matrix_devices.revoke_token($1::bigint, $2::bytea)"};

// What is no text is no device's ID, as the empty one is.
std::vector<mxd_view> ids_of(const mxd_store_devices& devices) {
  std::vector<mxd_view> ids(devices.device_ids, devices.device_ids + devices.device_id_count);
  for (mxd_view& id : ids) {
    if (!is_text(text(id))) id = view("");
  }
  return ids;
}

// Both statements answer alike.
Outcome change_devices(Store& store, const Statement& statement, const mxd_store_devices& devices,
                       mxd_store_affected& affected) {
  const bool is_all = (devices.flags & MXD_STORE_DEVICES_ALL) != 0;
  std::optional<std::vector<mxd_view>> ids;
  if (!is_all) ids = ids_of(devices);
  return with_named_account(
      store, text(devices.name),
      [&](int64_t account, const std::string& user_id, bool& is_there) -> Outcome {
        std::optional<std::span<const mxd_view>> named;
        if (ids) named = *ids;
        const Database::Reply reply =
            store.database.run(Kind::kLongWrite, statement, Parameters(account, user_id, named));
        if (!succeeded(reply.outcome.status)) return reply.outcome;
        is_there = !reply.rows.empty();
        if (!is_there) return {};
        if (const std::optional<int64_t> missing = reply.rows.optional_integer(0, 0)) {
          return no_device(user_id, text(devices.device_ids[*missing - 1]));
        }
        copy_terminated(affected.user_id, user_id);
        if (ids && ids->size() == 1) copy_terminated(affected.device_id, text(ids->front()));
        affected.device_count = reply.rows.integer(0, 1);
        return {};
      });
}

}  // namespace

Outcome Store::list_devices(std::string_view name, std::string_view after,
                            absl::FunctionRef<int32_t(const mxd_store_device&)> visit) {
  std::optional<Account> account;
  Outcome outcome = require_account(*this, name, account);
  if (!succeeded(outcome.status)) return outcome;
  const auto read = [&](std::string_view last, std::vector<DeviceRow>& page) {
    const Database::Reply reply = database.run(
        Kind::kRead, kReadPage, Parameters(account->number, text_part(last), now_ms(), kRowsAPage));
    if (!succeeded(reply.outcome.status)) return reply.outcome;
    const Rows& rows = reply.rows;
    for (int row = 0; row < rows.count(); ++row) {
      page.push_back({(rows.is_null(row, 1) ? 0u : MXD_STORE_DEVICE_HAS_DISPLAY_NAME) |
                          (rows.flag(row, 5) ? MXD_STORE_DEVICE_SIGNED_IN : 0u),
                      rows.integer(row, 3), rows.optional_integer(row, 4).value_or(-1),
                      std::string(rows.text(row, 0)), std::string(rows.text(row, 1)),
                      std::string(rows.text(row, 2))});
    }
    return reply.outcome;
  };
  return visit_pages<DeviceRow>(after, read, visit);
}

Outcome Store::delete_devices(const mxd_store_devices& devices, mxd_store_affected& affected) {
  return change_devices(*this, kDelete, devices, affected);
}

Outcome Store::revoke_devices(const mxd_store_devices& devices, mxd_store_affected& affected) {
  return change_devices(*this, kRevoke, devices, affected);
}

Outcome Store::revoke_token(std::string_view token, mxd_store_affected& affected) {
  std::optional<int64_t> account = account_of_token(token, kAccessTokenPrefix);
  if (!account) account = account_of_token(token, kRefreshTokenPrefix);
  if (!account) return nobodys_token();
  const Digest digest = digest_of(token);
  const Database::Reply reply =
      database.run(Kind::kWrite, kRevokeToken, Parameters(*account, Bytes{bytes_of(digest)}));
  if (!succeeded(reply.outcome.status)) return reply.outcome;
  if (reply.rows.empty()) return nobodys_token();
  copy_terminated(affected.user_id, reply.rows.text(0, 0));
  copy_terminated(affected.device_id, reply.rows.text(0, 1));
  affected.device_count = reply.rows.integer(0, 2);
  return {};
}

}  // namespace mxd::store::postgres
