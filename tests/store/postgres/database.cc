#include "tests/store/database.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "tests/store/postgres/cluster.h"

namespace mxd::test {

const char* const kStoreLibrary = MXD_POSTGRES_LIBRARY;
const bool kBacksUp = false;
const bool kSharesLimits = true;

namespace {

// Tables are found without their schema.
constexpr char kOptions[] = "&options=-csearch_path%3Dmatrix_devices";

class Lock final : public Database::WriteLock {
 public:
  explicit Lock(const std::string& url) : session_(url) {
    session_.execute("BEGIN");
    session_.execute(
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables"
        " WHERE schemaname = 'matrix_devices'"
        " LOOP EXECUTE format('LOCK TABLE %I IN SHARE MODE', t); END LOOP; END $$");
  }

 private:
  Session session_;
};

}  // namespace

struct Database::Connection {
  std::string name;
  Session session;
};

Database::Database(const std::string&, const std::string&) {
  static std::atomic<int> count{0};
  const std::string name = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  Session(cluster_url("postgres")).execute("CREATE DATABASE " + name + " TEMPLATE template0");
  url_ = cluster_url(name);
  connection_ = std::make_unique<Connection>(Connection{name, Session(url_ + kOptions)});
}

Database::~Database() {
  const std::string name = connection_->name;
  connection_.reset();
  Session(cluster_url("postgres")).execute("DROP DATABASE " + name + " WITH (FORCE)");
}

int64_t Database::number(const std::string& sql) {
  return connection_->session.number(sql);
}

void Database::execute(const std::string& sql) {
  connection_->session.execute(sql);
}

std::string Database::bytes() {
  std::string bytes;
  const auto tables = connection_->session.texts(
      "SELECT tablename FROM pg_tables WHERE schemaname = 'matrix_devices'");
  for (const std::string& table : tables)
    bytes += connection_->session.copy(table);
  return bytes;
}

void Database::add_devices(std::string_view user_id, int count) {
  execute(
      "INSERT INTO devices (account, device_id, display_name, created_ms)"
      " SELECT account, 'DEVICE' || lpad(i::text, 5, '0'), 'A device', 1"
      " FROM accounts, generate_series(1, " +
      std::to_string(count) + ") i WHERE user_id = '" + std::string(user_id) + "'");
}

void Database::add_tokens() {
  execute(
      "INSERT INTO access_tokens (account, digest, device_id, oauth)"
      " SELECT account, sha256((random()::text || device_id)::bytea), device_id, false"
      " FROM devices WHERE (account, device_id) NOT IN"
      " (SELECT account, device_id FROM access_tokens)");
}

void Database::add_for_devices(const std::string& table, const std::string& columns,
                               const std::string& values, int copies) {
  execute("INSERT INTO " + table + " (account, device_id, " + columns +
          ") SELECT account, device_id, " + values + " FROM devices, generate_series(1, " +
          std::to_string(copies) + ")");
}

int64_t Database::rows_of_device(const std::string& table, std::string_view device_id) {
  return number("SELECT count(*) FROM " + table + " WHERE device_id = '" + std::string(device_id) +
                "'");
}

void Database::refuse(const std::string& statement, const std::string& table,
                      const std::string& when) {
  execute(
      "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
      " $$ BEGIN RAISE 'refused by a trigger'; END $$; CREATE TRIGGER refuse_" +
      table + " BEFORE " + statement + " ON " + table + " FOR EACH ROW WHEN (" + when +
      ") EXECUTE FUNCTION refuse()");
}

void Database::refuse_no_more(const std::string& table) {
  execute("DROP TRIGGER refuse_" + table + " ON " + table);
}

std::unique_ptr<Database::WriteLock> Database::lock_writes() {
  return std::make_unique<Lock>(url_ + kOptions);
}

}  // namespace mxd::test
