// Every record of a file.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "bindings/store/common/moving.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/migrations.h"
#include "bindings/store/sqlite/moving.h"
#include "bindings/store/sqlite/schema.h"
#include "bindings/store/sqlite/status.h"

namespace mxd::store::sqlite {
namespace {

std::optional<std::string> optional_text(const Query& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::string(row.text(column));
}

std::string base64(const Query& row, int column) {
  return to_base64(row.text(column));
}

Outcome check_version(SQLite::Database& database) {
  if (database.execAndGet("PRAGMA application_id").getInt() != kApplicationId) {
    return {MXD_INVALID_ARGUMENT,
            "the database is empty or belongs to another application: name another file"};
  }
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version == kSchemaVersion) return {};
  return {MXD_INVALID_ARGUMENT,
          "the database is of schema " + std::to_string(version) + ", not " +
              std::to_string(kSchemaVersion) +
              (version < kSchemaVersion ? ": sweep it first, which brings it up to date"
                                        : ": update this program")};
}

// The last number of an AUTOINCREMENT.
int64_t last_of(Connection& connection, std::string_view table) {
  Query row(connection, "SELECT seq FROM sqlite_sequence WHERE name = ?1", table);
  return row.next() ? row.integer(0) : 0;
}

MovedDatabase read_database(Connection& connection) {
  MovedDatabase database{};
  database.last_pair = last_of(connection, "token_pairs");
  database.last_message = last_of(connection, "to_device_inbox");
  database.last_device_list_change = last_of(connection, "device_list_changes");
  Query row(connection, "SELECT server_name, account_key FROM store");
  if (row.next()) {
    database.server_name = row.text(0);
    database.account_key = base64(row, 1);
  }
  return database;
}

void read_tokens(Connection& connection, int64_t device, MovedDevice& moved) {
  {
    Query rows(connection, "SELECT pair, replaces FROM token_pairs WHERE device = ?1", device);
    while (rows.next())
      moved.pairs.push_back({rows.integer(0), rows.optional_integer(1)});
  }
  {
    Query rows(connection,
               "SELECT digest, pair, oauth, expires_ms FROM access_tokens WHERE device = ?1",
               device);
    while (rows.next()) {
      moved.access_tokens.push_back({base64(rows, 0), rows.optional_integer(1),
                                     rows.integer(2) != 0, rows.optional_integer(3)});
    }
  }
  {
    Query rows(connection,
               "SELECT digest, pair, oauth, given_ms FROM refresh_tokens WHERE device = ?1",
               device);
    while (rows.next()) {
      moved.refresh_tokens.push_back(
          {base64(rows, 0), rows.integer(1), rows.integer(2) != 0, rows.integer(3)});
    }
  }
  {
    Query row(connection, "SELECT name, key FROM token_families WHERE device = ?1", device);
    if (row.next()) moved.family = MovedFamily{base64(row, 0), base64(row, 1)};
  }
  Query rows(connection, "SELECT digest FROM old_tokens WHERE device = ?1", device);
  while (rows.next())
    moved.old_tokens.push_back(base64(rows, 0));
}

void read_keys(Connection& connection, int64_t device, MovedDevice& moved) {
  {
    Query row(connection, "SELECT key_json FROM device_keys WHERE device = ?1", device);
    if (row.next()) moved.key_json = std::string(row.text(0));
  }
  {
    Query rows(connection,
               "SELECT algorithm, key_id, key_json FROM one_time_keys WHERE device = ?1", device);
    while (rows.next()) {
      moved.one_time_keys.push_back(
          {std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2))});
    }
  }
  {
    Query rows(connection,
               "SELECT algorithm, key_id, key_json, used FROM fallback_keys WHERE device = ?1",
               device);
    while (rows.next()) {
      moved.fallback_keys.push_back({std::string(rows.text(0)), std::string(rows.text(1)),
                                     std::string(rows.text(2)), rows.integer(3) != 0});
    }
  }
  Query rows(connection, "SELECT app_id, pushkey, pusher_json FROM pushers WHERE device = ?1",
             device);
  while (rows.next()) {
    moved.pushers.push_back(
        {std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2))});
  }
}

bool export_devices(Connection& connection, int64_t account, Exporter& exporter) {
  Query rows(connection,
             "SELECT d.device, d.device_id, d.display_name, d.last_seen_ip, d.last_seen_ms,"
             " d.validated_ms, d.created_ms FROM accounts a JOIN devices d USING (account)"
             " WHERE a.account = ?1 AND d.device > a.gone_through ORDER BY d.device_id",
             account);
  while (rows.next()) {
    const int64_t device = rows.integer(0);
    MovedDevice moved{};
    moved.device_id = rows.text(1);
    moved.display_name = optional_text(rows, 2);
    moved.last_seen_ip = optional_text(rows, 3);
    moved.last_seen_ms = rows.optional_integer(4);
    moved.validated_ms = rows.optional_integer(5);
    moved.created_ms = rows.integer(6);
    read_tokens(connection, device, moved);
    read_keys(connection, device, moved);
    if (!exporter.give(std::move(moved))) return false;
    Query messages(connection,
                   "SELECT stream, message_json FROM to_device_inbox WHERE device = ?1"
                   " ORDER BY stream",
                   device);
    while (messages.next()) {
      if (!exporter.give(MovedMessage{messages.integer(0), std::string(messages.text(1))})) {
        return false;
      }
    }
  }
  return true;
}

bool export_all(Connection& connection, Exporter& exporter) {
  if (!exporter.give(read_database(connection))) return false;
  Query rows(connection,
             "SELECT a.account, a.user_id, a.password_hash, a.guest, a.service_id, a.locked,"
             " a.suspended, a.deactivated, a.created_ms, c.stream FROM accounts a"
             " LEFT JOIN device_list_changes c USING (account) ORDER BY a.user_id");
  while (rows.next()) {
    const int64_t account = rows.integer(0);
    MovedAccount moved{std::string(rows.text(1)), optional_text(rows, 2),
                       rows.integer(3) != 0,      optional_text(rows, 4),
                       rows.integer(5) != 0,      rows.integer(6) != 0,
                       rows.integer(7) != 0,      rows.integer(8),
                       rows.optional_integer(9),  {}};
    {
      Query threepids(connection, "SELECT medium, address FROM user_threepids WHERE account = ?1",
                      account);
      while (threepids.next()) {
        moved.threepids.push_back({std::string(threepids.text(0)), std::string(threepids.text(1))});
      }
    }
    if (!exporter.give(moved) || !export_devices(connection, account, exporter)) return false;
  }
  return exporter.end();
}

}  // namespace

Outcome export_file(const std::string& path, std::string_view server_name, Exporter& exporter) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return {MXD_INVALID_ARGUMENT, "there is no such database: correct its name"};
  }
  try {
    Connection connection(path, Connection::Mode::kRead);
    connection.database().exec("BEGIN");  // all of it is of one moment
    Outcome outcome = check_version(connection.database());
    if (!succeeded(outcome.status)) return outcome;
    const std::string kept =
        connection.database().execAndGet("SELECT server_name FROM store").getString();
    if (!server_name.empty() && server_name != kept) {
      return {MXD_INVALID_ARGUMENT, "the database belongs to the server " + kept + ", not to " +
                                        std::string(server_name)};
    }
    export_all(connection, exporter);
    return {exporter.status(), {}};
  } catch (const SQLite::Exception& failure) {
    return outcome_of_opening(failure);
  }
}

}  // namespace mxd::store::sqlite
