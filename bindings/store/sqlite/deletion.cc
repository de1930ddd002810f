#include "bindings/store/sqlite/deletion.h"

#include <array>
#include <boost/json/serialize.hpp>
#include <string>

#include "bindings/store/common/ids.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/token_families.h"

namespace mxd::store::sqlite {
namespace {

using Clock = std::chrono::steady_clock;

// Few enough that a portion keeps to its time, also where each has to be read from the disk.
constexpr int64_t kDevicesAtOnce = 64;
constexpr int64_t kMessagesAtOnce = 500;

// The IDs as a JSON array, for json_each(). It would cut an ID at U+0000, and take it for another
// device; such IDs don't exist, and neither do longer ones.
std::string json_list(const mxd_deletion& deletion) {
  std::string list = "[";
  for (const mxd_view given : std::span(deletion.device_ids, deletion.device_id_count)) {
    const std::string_view id = text(given);
    if (id.empty() || id.size() > kMaxIdBytes || id.find('\0') != std::string_view::npos) continue;
    if (list.size() > 1) list += ',';
    list += boost::json::serialize(boost::json::string_view(id));
  }
  list += ']';
  return list;
}

// The devices to remove are in the writer's temporary table `doomed`. CROSS JOIN keeps tables in
// the order written, which is from few rows to more.
void remove_doomed(Connection& writer) {
  for (const char* sql :
       {"DELETE FROM access_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM refresh_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM token_pairs WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM devices WHERE device IN (SELECT device FROM doomed)", "DELETE FROM doomed"}) {
    Query(writer, sql).execute();
  }
}

// Of devices that are doomed, all of one account.
void end_sessions(Connection& writer, int64_t account) {
  Query(writer,
        "DELETE FROM uia_sessions WHERE session IN (SELECT s.session FROM accounts a"
        " CROSS JOIN uia_sessions s ON s.user_id = a.user_id"
        " CROSS JOIN devices d ON d.account = a.account AND s.begun_with = 'd' || d.device_id"
        " CROSS JOIN doomed USING (device) WHERE a.account = ?1)",
        account)
      .execute();
}

void note_change(Connection& writer, int64_t account) {
  Query(writer, "REPLACE INTO device_list_changes (account) VALUES (?1)", account).execute();
}

// The same for devices of one account that are in use until now, with what else ends with them.
void delete_doomed(Connection& writer) {
  int64_t account;
  {
    Query row(writer, "SELECT d.account FROM doomed CROSS JOIN devices d USING (device) LIMIT 1");
    if (!row.next()) return;
    account = row.integer(0);
  }
  end_sessions(writer, account);
  note_change(writer, account);
  remove_doomed(writer);
}

}  // namespace

void delete_devices(Connection& writer, const mxd_deletion& deletion) {
  if (deletion.device_id_count == 0) return;
  Query(writer,
        "INSERT OR IGNORE INTO doomed SELECT d.device FROM accounts a"
        " CROSS JOIN json_each(?2) AS id"
        " CROSS JOIN devices d ON d.account = a.account AND d.device_id = id.value"
        " AND d.device > a.gone_through WHERE a.user_id = ?1",
        text(deletion.user_id), json_list(deletion))
      .execute();
  delete_doomed(writer);
}

void delete_device(Connection& writer, int64_t device) {
  delete_devices(writer, std::array{device});
}

int64_t delete_devices(Connection& writer, std::span<const int64_t> devices) {
  int64_t count = 0;
  for (const int64_t device : devices)
    count += Query(writer, "INSERT OR IGNORE INTO doomed VALUES (?1)", device).execute();
  delete_doomed(writer);
  return count;
}

void delete_all_devices(Connection& writer, int64_t account) {
  const int marked = Query(writer,
                           "UPDATE accounts SET gone_through ="
                           " (SELECT seq FROM sqlite_sequence WHERE name = 'devices')"
                           " WHERE account = ?1 AND EXISTS (SELECT 1 FROM devices d"
                           " WHERE d.account = ?1 AND d.device > gone_through)",
                           account)
                         .execute();
  if (marked == 0) return;
  Query(writer,
        "DELETE FROM uia_sessions WHERE begun_with GLOB 'd*'"
        " AND user_id = (SELECT user_id FROM accounts WHERE account = ?1)",
        account)
      .execute();
  note_change(writer, account);
  remove_gone(writer, kFirstPortion);  // mostly they are few, and that is all of them
}

bool remove_gone(Connection& writer, std::chrono::milliseconds portion) {
  const auto end = Clock::now() + portion;
  do {
    const int found = Query(writer,
                            "INSERT INTO doomed SELECT d.device FROM accounts a"
                            " CROSS JOIN devices d ON d.account = a.account"
                            " AND d.device <= a.gone_through WHERE a.gone_through > 0 LIMIT ?1",
                            kDevicesAtOnce)
                          .execute();
    if (found == 0) {
      Query(writer, "UPDATE accounts SET gone_through = 0 WHERE gone_through > 0").execute();
      return false;
    }
    while (Query(writer,
                 "DELETE FROM to_device_inbox WHERE stream IN (SELECT stream FROM doomed"
                 " CROSS JOIN to_device_inbox USING (device) LIMIT ?1)",
                 kMessagesAtOnce)
               .execute() == kMessagesAtOnce) {
      if (Clock::now() < end) continue;
      Query(writer, "DELETE FROM doomed").execute();
      return true;
    }
    remove_doomed(writer);
  } while (Clock::now() < end);
  return true;
}

void remove_device(Connection& writer, int64_t device) {
  Query(writer, "INSERT INTO doomed VALUES (?1)", device).execute();
  remove_doomed(writer);
}

void delete_tokens(Connection& writer, int64_t device) {
  for (const char* sql :
       {"DELETE FROM access_tokens WHERE device = ?1",
        "DELETE FROM refresh_tokens WHERE device = ?1", "DELETE FROM token_pairs WHERE device = ?1",
        "DELETE FROM uia_sessions WHERE session IN (SELECT s.session"
        " FROM devices d JOIN accounts a USING (account) JOIN uia_sessions s"
        " ON s.user_id = a.user_id AND s.begun_with = 'd' || d.device_id"
        " WHERE d.device = ?1)",
        "UPDATE devices SET validated_ms = NULL WHERE device = ?1"}) {
    Query(writer, sql, device).execute();
  }
  end_family(writer, device);
}

int64_t revoke_tokens(Connection& writer, int64_t account, std::optional<int64_t> device) {
  const int found =
      Query(writer,
            "INSERT INTO doomed SELECT d.device FROM accounts a"
            " CROSS JOIN devices d ON d.account = a.account AND d.device > a.gone_through"
            " WHERE a.account = ?1 AND d.device = coalesce(?2, d.device)"
            " AND (EXISTS (SELECT 1 FROM access_tokens t WHERE t.device = d.device)"
            " OR EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.device = d.device))",
            account, device)
          .execute();
  end_sessions(writer, account);
  for (const char* sql :
       {// Those of no family, as known from here on as the others are.
        "INSERT OR IGNORE INTO old_tokens SELECT digest, device FROM access_tokens"
        " WHERE expires_ms IS NULL AND device IN (SELECT device FROM doomed)",
        "DELETE FROM access_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM refresh_tokens WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM token_pairs WHERE device IN (SELECT device FROM doomed)",
        "UPDATE devices SET validated_ms = NULL WHERE device IN (SELECT device FROM doomed)",
        "DELETE FROM doomed"}) {
    Query(writer, sql).execute();
  }
  return found;
}

}  // namespace mxd::store::sqlite
