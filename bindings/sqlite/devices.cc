#include "bindings/sqlite/devices.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <string>

#include "bindings/sqlite/text.h"

namespace mxd::sqlite {
namespace {

// The IDs as a JSON array, for json_each(). It would cut an ID at U+0000, and take it for another
// device; such IDs don't exist, and neither do longer ones.
std::string json_list(const mxd_view* device_ids, std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view id = text(device_ids[i]);
    if (id.empty() || id.size() > kMaxIdBytes || id.find('\0') != std::string_view::npos) continue;
    if (list.size() > 1) list += ',';
    list += boost::json::serialize(boost::json::string_view(id));
  }
  list += ']';
  return list;
}

// The devices to delete, all of one account, are in the writer's temporary table `doomed`. CROSS
// JOIN keeps tables in the order written, which is from few rows to more.
void delete_doomed(Connection& writer) {
  for (const char* sql :
       {"DELETE FROM access_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM refresh_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM token_pairs WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM uia_sessions WHERE session IN (SELECT s.session"
        " FROM (SELECT d.account FROM doomed CROSS JOIN devices d USING (device) LIMIT 1)"
        " CROSS JOIN accounts a USING (account)"
        " CROSS JOIN uia_sessions s ON s.user_id = a.user_id"
        " CROSS JOIN devices d ON d.account = a.account AND d.device_id = s.device_id"
        " CROSS JOIN doomed USING (device))",
        "REPLACE INTO device_list_changes (account)"
        " SELECT d.account FROM doomed CROSS JOIN devices d USING (device) LIMIT 1",
        "DELETE FROM devices WHERE device IN (SELECT device FROM doomed)", "DELETE FROM doomed"}) {
    Query(writer, sql).execute();
  }
}

void emit(const mxd_module& module, mxd_op op, const Query& row) {
  mxd_device device{};
  device.size = sizeof device;
  device.device_id = view(row.text(0));
  if (!row.is_null(1)) {
    device.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
    device.display_name = view(row.text(1));
  }
  if (!row.is_null(2)) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
    device.last_seen_ip = view(row.text(2));
  }
  if (!row.is_null(3)) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_TS;
    device.last_seen_ts_ms = row.integer(3);
  }
  module.emit_device(op, &device);
}

std::optional<std::string_view> new_name(const mxd_device_update& update) {
  if ((update.flags & MXD_SET_DISPLAY_NAME) == 0) return std::nullopt;
  return text(update.display_name);
}

}  // namespace

bool is_valid_device_id(std::string_view device_id) {
  return !device_id.empty() && device_id.size() <= kMaxIdBytes &&
         std::none_of(device_id.begin(), device_id.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void delete_devices(Connection& writer, std::string_view user_id, const mxd_view* device_ids,
                    std::size_t count) {
  if (count == 0) return;
  Query(writer,
        "INSERT OR IGNORE INTO doomed SELECT d.device FROM accounts a"
        " CROSS JOIN json_each(?2) AS id"
        " CROSS JOIN devices d ON d.account = a.account AND d.device_id = id.value"
        " WHERE a.user_id = ?1",
        user_id, json_list(device_ids, count))
      .execute();
  delete_doomed(writer);
}

void delete_device(Connection& writer, int64_t device) {
  Query(writer, "INSERT INTO doomed VALUES (?1)", device).execute();
  delete_doomed(writer);
}

void delete_all_devices(Connection& writer, int64_t account) {
  Query(writer, "INSERT INTO doomed SELECT device FROM devices WHERE account = ?1", account)
      .execute();
  delete_doomed(writer);
}

void delete_tokens(Connection& writer, int64_t device) {
  for (const char* sql :
       {"DELETE FROM access_tokens WHERE device = ?1",
        "DELETE FROM refresh_tokens WHERE device = ?1", "DELETE FROM token_pairs WHERE device = ?1",
        "DELETE FROM uia_sessions WHERE session IN (SELECT s.session"
        " FROM devices d JOIN accounts a USING (account) JOIN uia_sessions s"
        " ON s.user_id = a.user_id AND s.device_id = d.device_id"
        " WHERE d.device = ?1)",
        "UPDATE devices SET validated_ms = NULL WHERE device = ?1"}) {
    Query(writer, sql, device).execute();
  }
}

int32_t list_devices(Connection& connection, const mxd_module& module, mxd_op op,
                     std::string_view user_id) {
  Query rows(connection,
             "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms FROM accounts a"
             " JOIN devices d USING (account) WHERE a.user_id = ?1 ORDER BY d.device_id",
             user_id);
  while (rows.next())
    emit(module, op, rows);
  return MXD_OK;
}

int32_t get_device(Connection& connection, const mxd_module& module, mxd_op op,
                   std::string_view user_id, std::string_view device_id) {
  Query row(connection,
            "SELECT d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms FROM accounts a"
            " JOIN devices d USING (account) WHERE a.user_id = ?1 AND d.device_id = ?2",
            user_id, device_id);
  if (!row.next()) return MXD_NOT_FOUND;
  emit(module, op, row);
  return MXD_OK;
}

std::optional<int32_t> answer_without_write(Connection& connection,
                                            const mxd_device_update& update) {
  Query row(connection,
            "SELECT d.display_name FROM accounts a JOIN devices d USING (account)"
            " WHERE a.user_id = ?1 AND d.device_id = ?2",
            text(update.user_id), text(update.device_id));
  if (!row.next()) return MXD_NOT_FOUND;
  const std::optional<std::string_view> name = new_name(update);
  if (!name || (!row.is_null(0) && row.text(0) == *name)) return MXD_OK;
  return std::nullopt;
}

int32_t rename_device(Connection& writer, const mxd_device_update& update) {
  const int renamed = Query(writer,
                            "UPDATE devices SET display_name = coalesce(?3, display_name)"
                            " WHERE device_id = ?2 AND account ="
                            " (SELECT account FROM accounts WHERE user_id = ?1)",
                            text(update.user_id), text(update.device_id), new_name(update))
                          .execute();
  return renamed == 0 ? MXD_NOT_FOUND : MXD_OK;
}

int32_t put_device(Connection& writer, const mxd_device_update& update) {
  if (rename_device(writer, update) == MXD_OK) return MXD_OK;
  Query account(writer,
                "SELECT account, (SELECT count(*) FROM devices d WHERE d.account = a.account)"
                " FROM accounts a WHERE user_id = ?1 AND NOT deactivated",
                text(update.user_id));
  if (!account.next()) return MXD_FORBIDDEN;
  const uint64_t devices = static_cast<uint64_t>(account.integer(1));
  if (update.max_devices != 0 && devices >= update.max_devices) return MXD_LIMIT_EXCEEDED;
  Query(writer, "INSERT INTO devices (account, device_id, display_name) VALUES (?1, ?2, ?3)",
        account.integer(0), text(update.device_id), new_name(update))
      .execute();
  return MXD_CREATED;
}

}  // namespace mxd::sqlite
