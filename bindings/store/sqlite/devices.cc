#include "bindings/store/sqlite/devices.h"

#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/deletion.h"

namespace mxd::store::sqlite {
namespace {

// Of columns device_id, display_name, last_seen_ip, last_seen_ms.
ListedDevice listed(const Query& row) {
  ListedDevice device;
  device.device_id = row.text(0);
  if (!row.is_null(1)) device.display_name = row.text(1);
  if (!row.is_null(2)) device.last_seen_ip = row.text(2);
  device.last_seen_ms = row.optional_integer(3);
  return device;
}

#define MXD_LISTED_DEVICES                                                             \
  "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms FROM accounts a" \
  " JOIN devices d USING (account) WHERE a.user_id = ?1 AND d.device > a.gone_through"

constexpr const char* kList = MXD_LISTED_DEVICES " ORDER BY d.device_id";
constexpr const char* kListOfKnown = MXD_LISTED_DEVICES " AND a.account = ?2 ORDER BY d.device_id";
constexpr const char* kGet = MXD_LISTED_DEVICES " AND d.device_id = ?2";
constexpr const char* kGetOfKnown = MXD_LISTED_DEVICES " AND d.device_id = ?2 AND a.account = ?3";

// False: they are too many for a short list.
bool read_rows(Query& rows, DeviceList& list) {
  constexpr size_t kMostRows = 2000;
  while (rows.next()) {
    if (list.size() == kMostRows) return false;
    list.add(listed(rows));
  }
  return true;
}

std::optional<std::string_view> new_name(const mxd_device_update& update) {
  if ((update.flags & MXD_UPDATE_SET_DISPLAY_NAME) == 0) return std::nullopt;
  return text(update.display_name);
}

}  // namespace

std::optional<int64_t> find_device(Connection& connection, int64_t account,
                                   std::string_view device_id) {
  Query row(connection,
            "SELECT d.device FROM accounts a JOIN devices d USING (account)"
            " WHERE a.account = ?1 AND d.device_id = ?2 AND d.device > a.gone_through",
            account, device_id);
  if (!row.next()) return std::nullopt;
  return row.integer(0);
}

bool has_room(Connection& connection, int64_t account, int64_t max_devices) {
  if (max_devices == 0) return true;
  Query row(connection,
            "SELECT count(*) FROM (SELECT 1 FROM accounts a JOIN devices d USING (account)"
            " WHERE a.account = ?1 AND d.device > a.gone_through LIMIT ?2)",
            account, max_devices);
  return row.next() && row.integer(0) < max_devices;
}

int64_t add_device(Connection& writer, int64_t account, std::string_view device_id,
                   std::optional<std::string_view> display_name, int64_t now_ms) {
  // One of this ID that is gone may not have been removed yet.
  std::optional<int64_t> gone;
  {
    Query row(writer, "SELECT device FROM devices WHERE account = ?1 AND device_id = ?2", account,
              device_id);
    if (row.next()) gone = row.integer(0);
  }
  if (gone) remove_device(writer, *gone);
  Query(writer,
        "INSERT INTO devices (account, device_id, display_name, created_ms)"
        " VALUES (?1, ?2, ?3, ?4)",
        account, device_id, display_name, now_ms)
      .execute();
  return writer.database().getLastInsertRowid();
}

bool read_short_list(Connection& connection, const Owner& owner, DeviceList& list) {
  if (owner.known_account != 0) {
    Query rows(connection, kListOfKnown, owner.user_id, owner.known_account);
    if (!read_rows(rows, list)) return false;
    if (list.size() != 0) return true;
  }
  Query rows(connection, kList, owner.user_id);
  return read_rows(rows, list);
}

int32_t list_devices(Connection& connection, const mxd_module& module, mxd_op op,
                     std::string_view user_id) {
  Query rows(connection, kList, user_id);
  while (rows.next())
    emit(module, op, listed(rows));
  return MXD_OK;
}

int32_t get_device(Connection& connection, const mxd_module& module, mxd_op op, const Owner& owner,
                   std::string_view device_id) {
  if (owner.known_account != 0) {
    Query row(connection, kGetOfKnown, owner.user_id, device_id, owner.known_account);
    if (row.next()) {
      emit(module, op, listed(row));
      return MXD_OK;
    }
  }
  Query row(connection, kGet, owner.user_id, device_id);
  if (!row.next()) return MXD_NOT_FOUND;
  emit(module, op, listed(row));
  return MXD_OK;
}

std::optional<int32_t> answer_without_write(Connection& connection,
                                            const mxd_device_update& update) {
  Query row(connection,
            "SELECT d.display_name FROM accounts a JOIN devices d USING (account)"
            " WHERE a.user_id = ?1 AND d.device_id = ?2 AND d.device > a.gone_through",
            text(update.user_id), text(update.device_id));
  if (!row.next()) return MXD_NOT_FOUND;
  const std::optional<std::string_view> name = new_name(update);
  if (!name || (!row.is_null(0) && row.text(0) == *name)) return MXD_OK;
  return std::nullopt;
}

int32_t rename_device(Connection& writer, const mxd_device_update& update) {
  const int renamed = Query(writer,
                            "UPDATE devices AS d SET display_name = coalesce(?3, display_name)"
                            " FROM accounts a WHERE a.user_id = ?1 AND d.account = a.account"
                            " AND d.device_id = ?2 AND d.device > a.gone_through",
                            text(update.user_id), text(update.device_id), new_name(update))
                          .execute();
  return renamed == 0 ? MXD_NOT_FOUND : MXD_OK;
}

int32_t put_device(Connection& writer, const mxd_device_update& update, int64_t now_ms) {
  if (rename_device(writer, update) == MXD_OK) return MXD_OK;
  std::optional<int64_t> account;
  {
    Query row(writer, "SELECT account FROM accounts WHERE user_id = ?1 AND NOT deactivated",
              text(update.user_id));
    if (row.next()) account = row.integer(0);
  }
  if (!account) return MXD_FORBIDDEN;
  if (!has_room(writer, *account, update.max_devices)) return MXD_LIMIT_EXCEEDED;  // P7
  add_device(writer, *account, text(update.device_id), new_name(update), now_ms);
  return MXD_CREATED;
}

}  // namespace mxd::store::sqlite
