// What an operator does with the devices of an account.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bindings/store/common/account_rows.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/accounts.h"
#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/devices.h"

namespace mxd::store::sqlite {
namespace {

// By ID, from this one on.
std::vector<DeviceRow> read_devices(Connection& connection, int64_t account, std::string_view from,
                                    int64_t now_ms, int64_t limit) {
  std::vector<DeviceRow> devices;
  Query rows(connection,
             "SELECT d.device_id, d.display_name, d.last_seen_ip, d.created_ms, d.last_seen_ms,"
             " EXISTS (SELECT 1 FROM access_tokens t WHERE t.device = d.device"
             " AND coalesce(t.expires_ms > ?3, 1))"
             " OR EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.device = d.device)"
             " FROM accounts a JOIN devices d USING (account) WHERE a.account = ?1"
             " AND d.device > a.gone_through AND d.device_id >= ?2 ORDER BY d.device_id LIMIT ?4",
             account, from, now_ms, limit);
  while (rows.next()) {
    devices.push_back({(rows.is_null(1) ? 0u : MXD_STORE_DEVICE_HAS_DISPLAY_NAME) |
                           (rows.integer(5) != 0 ? MXD_STORE_DEVICE_SIGNED_IN : 0u),
                       rows.integer(3), rows.optional_integer(4).value_or(-1),
                       std::string(rows.text(0)), std::string(rows.text(1)),
                       std::string(rows.text(2))});
  }
  return devices;
}

// The rows of the devices that are named; NOT_FOUND if one is not there.
Outcome find_devices(Connection& connection, const Account& account, const mxd_store_devices& named,
                     std::vector<int64_t>& rows) {
  for (const mxd_view id : std::span(named.device_ids, named.device_id_count)) {
    const std::optional<int64_t> row = find_device(connection, account.row, text(id));
    if (!row) return no_device(account.user_id, text(id));
    rows.push_back(*row);
  }
  return {};
}

bool is_all(const mxd_store_devices& devices) {
  return (devices.flags & MXD_STORE_DEVICES_ALL) != 0;
}

int64_t count_devices(Connection& connection, int64_t account) {
  Query row(connection,
            "SELECT count(*) FROM accounts a JOIN devices d USING (account)"
            " WHERE a.account = ?1 AND d.device > a.gone_through",
            account);
  return row.next() ? row.integer(0) : 0;
}

void tell_device(Connection& connection, int64_t device, mxd_store_affected& affected) {
  Query row(connection, "SELECT device_id FROM devices WHERE device = ?1", device);
  if (row.next()) copy_terminated(affected.device_id, row.text(0));
}

}  // namespace

Outcome Store::list_devices(std::string_view name, std::string_view after,
                            absl::FunctionRef<int32_t(const mxd_store_device&)> visit) {
  std::optional<Account> account;
  Outcome outcome = require_account(*this, *ReadPool::Lease(readers), name, account);
  if (!succeeded(outcome.status)) return outcome;
  const auto read = [&](std::string_view last, std::vector<DeviceRow>& page) -> Outcome {
    page = read_devices(*ReadPool::Lease(readers), account->row, next_after(last), now_ms(),
                        kRowsAPage);
    return {};
  };
  return visit_pages<DeviceRow>(after, read, visit);
}

Outcome Store::delete_devices(const mxd_store_devices& devices, mxd_store_affected& affected) {
  Outcome deleted = writer.run_with_reserve([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, text(devices.name), account);
    if (!succeeded(outcome.status)) return outcome;
    copy_terminated(affected.user_id, account->user_id);
    if (is_all(devices)) {
      affected.device_count = count_devices(connection, account->row);
      delete_all_devices(connection, account->row);
      return {};
    }
    std::vector<int64_t> rows;
    outcome = find_devices(connection, *account, devices, rows);
    if (!succeeded(outcome.status)) return outcome;
    if (rows.size() == 1) tell_device(connection, rows.front(), affected);
    affected.device_count = sqlite::delete_devices(connection, rows);
    return {};
  });
  if (is_all(devices)) sweeper.wake();
  return deleted;
}

Outcome Store::revoke_devices(const mxd_store_devices& devices, mxd_store_affected& affected) {
  return writer.run_with_reserve([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, text(devices.name), account);
    if (!succeeded(outcome.status)) return outcome;
    copy_terminated(affected.user_id, account->user_id);
    if (is_all(devices)) {
      affected.device_count = revoke_tokens(connection, account->row, std::nullopt);
      return {};
    }
    std::vector<int64_t> rows;
    outcome = find_devices(connection, *account, devices, rows);
    if (!succeeded(outcome.status)) return outcome;
    if (rows.size() == 1) tell_device(connection, rows.front(), affected);
    for (const int64_t row : rows)
      affected.device_count += revoke_tokens(connection, account->row, row);
    return {};
  });
}

Outcome Store::revoke_token(std::string_view token, mxd_store_affected& affected) {
  const Digest digest = digest_of(token);
  return writer.run_with_reserve([&](Connection& connection) -> Outcome {
    int64_t account;
    int64_t device;
    {
      Query row(connection,
                "SELECT a.account, d.device, a.user_id, d.device_id"
                " FROM (SELECT device FROM access_tokens WHERE digest = ?1"
                " UNION ALL SELECT device FROM refresh_tokens WHERE digest = ?1)"
                " JOIN devices d USING (device) JOIN accounts a USING (account)"
                " WHERE d.device > a.gone_through",
                Blob{bytes_of(digest)});
      if (!row.next()) return nobodys_token();
      account = row.integer(0);
      device = row.integer(1);
      copy_terminated(affected.user_id, row.text(2));
      copy_terminated(affected.device_id, row.text(3));
    }
    affected.device_count = revoke_tokens(connection, account, device);
    return {};
  });
}

}  // namespace mxd::store::sqlite
