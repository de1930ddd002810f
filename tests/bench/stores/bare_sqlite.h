// What the SQLite store is measured against: its statements, prepared, on one connection, with its
// durability, and nothing around them: no queue, no threads, no checks.
#ifndef MXD_TESTS_BENCH_STORES_BARE_SQLITE_H
#define MXD_TESTS_BENCH_STORES_BARE_SQLITE_H

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mxd::bench {

std::string growth_user(int64_t user);
std::string growth_token(int64_t user);  // of that user's first device
std::string digest_of(std::string_view token);

class BareSqlite {
 public:
  // Opens a database that the store has made. Throws std::runtime_error, as all functions do.
  explicit BareSqlite(const std::string& path);
  ~BareSqlite();
  BareSqlite(const BareSqlite&) = delete;
  BareSqlite& operator=(const BareSqlite&) = delete;

  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }
  void run(const char* sql);

  // Of the device's access token.
  std::string digest_of_token(std::string_view device_id);

  // Each is one callback of the store; they return how many rows they gave or changed.
  int authenticate(std::string_view token_digest);
  int list(std::string_view user_id);
  int get(std::string_view user_id, std::string_view device_id);
  int rename(std::string_view user_id, std::string_view device_id, std::string_view name);
  void remove(std::string_view user_id, std::string_view ids_json);
  void create_session(std::string_view id_digest, std::string_view user_id,
                      std::string_view begun_with, std::string_view state);
  int load_session(std::string_view id_digest);
  int replace_session(std::string_view id_digest, int64_t revision, std::string_view state);

  // Many devices at once, for what is going to be deleted: IDs as device_id() makes them, from
  // `first` on. Each has an access token.
  void add_devices(std::string_view user_id, int64_t first, int64_t count);

  // Users @growth0:example.org and so on, each with so many devices, whose access tokens are
  // growth_token() of the user.
  void add_users(int64_t users, int64_t devices);

 private:
  class Statement;

  sqlite3_stmt* prepared(sqlite3_stmt*& kept, const char* sql);

  sqlite3* database_ = nullptr;
  sqlite3_stmt* statements_[24] = {};
};

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_STORES_BARE_SQLITE_H
