// The database of one test, past the store: what an operator, another process or a homeserver's own
// program does with it. Each engine has its own, in sqlite/ and postgres/.
#ifndef MXD_TESTS_STORE_DATABASE_H
#define MXD_TESTS_STORE_DATABASE_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mxd::test {

// The store under test.
extern const char* const kStoreLibrary;
// Whether backup() makes copies, or leaves that to the tools of the engine.
extern const bool kBacksUp;
// Whether limits are kept in the database, so that all of its servers share them.
extern const bool kSharesLimits;

class Database {
 public:
  // A new one, empty; gone with the object. SQLite's is the file NAME.db in the folder.
  explicit Database(const std::string& folder, const std::string& name = "store");
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  const std::string& url() const { return url_; }  // for open()

  // SQL that both engines understand; tables without their schema, flags as truth values. The
  // number is the one that a SELECT gives.
  int64_t number(const std::string& sql);
  void execute(const std::string& sql);

  // All that is stored, as it is stored.
  std::string bytes();

  // DEVICE00001 and so on, in one statement.
  void add_devices(std::string_view user_id, int count);
  // An access token for each device that has none.
  void add_tokens();
  // A row for each device in a table of what hangs off them, e.g.
  // ("one_time_keys", "algorithm, key_id, key_json", "'curve25519', 'k1', '{}'"); `copies` each.
  void add_for_devices(const std::string& table, const std::string& columns,
                       const std::string& values, int copies = 1);
  // Rows of such a table that are of the devices with this ID.
  int64_t rows_of_device(const std::string& table, std::string_view device_id);

  // From now on a statement on this table fails, UPDATE or DELETE, where this holds for a row, NEW
  // or OLD. The text of the failure is "refused by a trigger".
  void refuse(const std::string& statement, const std::string& table, const std::string& when);
  void refuse_no_more(const std::string& table);

  // While it lives others can read, but no write gets through.
  class WriteLock;
  std::unique_ptr<WriteLock> lock_writes();

 private:
  struct Connection;
  std::string url_;
  std::unique_ptr<Connection> connection_;
};

class Database::WriteLock {
 public:
  WriteLock() = default;
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;
  virtual ~WriteLock() = default;
};

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_DATABASE_H
