#include "tests/store/database.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>

#include <fstream>
#include <iterator>

namespace mxd::test {

const char* const kStoreLibrary = MXD_SQLITE_LIBRARY;
const bool kBacksUp = true;
const bool kSharesLimits = false;

namespace {

constexpr int kBusyMs = 5000;

// 1, 2, …
std::string numbers(int count) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(count) + ") ";
}

class Immediate final : public Database::WriteLock {
 public:
  explicit Immediate(const std::string& path)
      : database_(path, SQLite::OPEN_READWRITE, kBusyMs),
        transaction_(database_, SQLite::TransactionBehavior::IMMEDIATE) {}

 private:
  SQLite::Database database_;
  SQLite::Transaction transaction_;
};

}  // namespace

struct Database::Connection {};  // each use opens the file

Database::Database(const std::string& folder, const std::string& name)
    : url_(folder + "/" + name + ".db") {}

Database::~Database() = default;

int64_t Database::number(const std::string& sql) {
  SQLite::Database database(url_, SQLite::OPEN_READONLY, kBusyMs);
  return database.execAndGet(sql).getInt64();
}

void Database::execute(const std::string& sql) {
  SQLite::Database database(url_, SQLite::OPEN_READWRITE, kBusyMs);
  database.exec("PRAGMA foreign_keys = ON");
  database.exec(sql);
}

std::string Database::bytes() {
  std::string bytes;
  for (const char* suffix : {"", "-wal"}) {
    std::ifstream file(url_ + suffix, std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

void Database::add_devices(std::string_view user_id, int count) {
  execute(numbers(count) +
          "INSERT INTO devices (account, device_id, display_name, created_ms)"
          " SELECT account, printf('DEVICE%05d', i), 'A device', 1 FROM n, accounts"
          " WHERE user_id = '" +
          std::string(user_id) + "'");
}

void Database::add_tokens() {
  execute(
      "INSERT INTO access_tokens (digest, device, oauth) SELECT randomblob(32), device, 0"
      " FROM devices WHERE device NOT IN (SELECT device FROM access_tokens)");
}

void Database::add_for_devices(const std::string& table, const std::string& columns,
                               const std::string& values, int copies) {
  const std::string owner = table == "pushers" ? "account, device, " : "device, ";
  execute(numbers(copies) + "INSERT INTO " + table + " (" + owner + columns + ") SELECT " + owner +
          values + " FROM devices, n");
}

int64_t Database::rows_of_device(const std::string& table, std::string_view device_id) {
  return number("SELECT count(*) FROM " + table +
                " JOIN devices USING (device) WHERE device_id = '" + std::string(device_id) + "'");
}

void Database::refuse(const std::string& statement, const std::string& table,
                      const std::string& when) {
  execute("CREATE TRIGGER refuse_" + table + " BEFORE " + statement + " ON " + table + " WHEN " +
          when + " BEGIN SELECT raise(ABORT, 'refused by a trigger'); END");
}

void Database::refuse_no_more(const std::string& table) {
  execute("DROP TRIGGER refuse_" + table);
}

std::unique_ptr<Database::WriteLock> Database::lock_writes() {
  return std::make_unique<Immediate>(url_);
}

}  // namespace mxd::test
