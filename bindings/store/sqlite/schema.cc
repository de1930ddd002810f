#include "bindings/store/sqlite/schema.h"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include "bindings/store/common/server_name.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/migrations.h"
#include "bindings/store/sqlite/reserve.h"
#include "bindings/store/sqlite/status.h"

namespace mxd::store::sqlite {
namespace {

int pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

// Only looks: a file that is not ours is not touched.
Outcome check_ownership(SQLite::Database& database) {
  const int application = pragma(database, "application_id");
  const int version = pragma(database, "user_version");
  if (application == kApplicationId) {
    if (version <= kSchemaVersion) return {};
    return {MXD_INVALID_ARGUMENT, "the database was made by a newer version (schema " +
                                      std::to_string(version) + ", known here up to " +
                                      std::to_string(kSchemaVersion) + "): update this program"};
  }
  const bool is_new = application == 0 && version == 0 &&
                      database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (is_new) return {};
  return {MXD_INVALID_ARGUMENT, "the database belongs to another application: name another file"};
}

// SQLite does not wait for others when it changes the journal mode, so it is waited for here.
void set_write_ahead_log(SQLite::Database& database) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  while (true) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (const SQLite::Exception& error) {
      const bool busy = (error.getErrorCode() & 0xff) == SQLITE_BUSY;
      if (!busy || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void bind_key(SQLite::Statement& statement, int index, const AccountKey& key) {
  statement.bind(index, key.bytes().data(), static_cast<int>(key.bytes().size()));
}

Outcome claim(SQLite::Database& database, std::string& server_name,
              std::optional<AccountKey>& account_key) {
  std::string kept;
  SQLite::Statement read(database, "SELECT server_name, account_key FROM store");
  if (read.executeStep()) {
    kept = read.getColumn(0).getString();
    account_key.emplace(read.getColumn(1).getString());
  }
  read.reset();
  Outcome outcome = settle_server_name(kept, server_name);
  if (!succeeded(outcome.status) || !kept.empty()) return outcome;
  account_key = AccountKey::make();
  SQLite::Statement insert(database,
                           "INSERT INTO store (only, server_name, account_key) VALUES (1, ?1, ?2)");
  insert.bind(1, server_name);
  bind_key(insert, 2, *account_key);
  insert.exec();
  return {};
}

void run_migrations(SQLite::Database& database, int version, int64_t now_ms) {
  database.exec("CREATE TEMP TABLE migration (now_ms INTEGER, account_key BLOB)");
  SQLite::Statement insert(database, "INSERT INTO migration VALUES (?1, ?2)");
  insert.bind(1, now_ms);
  bind_key(insert, 2, AccountKey::make());
  insert.exec();
  for (int step = version; step < kSchemaVersion; ++step)
    database.exec(kMigrations[static_cast<size_t>(step)]);
  database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

Outcome migrate(SQLite::Database& database, std::string& server_name,
                std::optional<AccountKey>& account_key, int64_t now_ms) {
  // Not a SQLite::Transaction, which ends the process where there is no memory to roll back with. A
  // connection that is closed does so anyway.
  database.exec("BEGIN IMMEDIATE");
  // Another process may have been first.
  Outcome outcome = check_ownership(database);
  if (!succeeded(outcome.status)) return outcome;
  const int version = pragma(database, "user_version");
  if (version < kSchemaVersion) run_migrations(database, version, now_ms);
  outcome = claim(database, server_name, account_key);
  if (succeeded(outcome.status)) database.exec("COMMIT");
  return outcome;
}

// The file holds digests and password hashes: only its owner reads it. An existing one is left
// alone, and not even opened (closing it would drop this process's locks on it).
Outcome make_file(const std::string& path, bool may_create) {
  if (::access(path.c_str(), F_OK) == 0) return {};
  if (errno == ENOENT && !may_create) {
    return {MXD_INVALID_ARGUMENT,
            "there is no such database: correct its name, or give a server name to make it"};
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return {};
  }
  if (errno == EEXIST) return {};
  return {MXD_INVALID_ARGUMENT,
          "the database file can't be made: " + std::generic_category().message(errno) +
              "; check its directory"};
}

std::string user_name(uid_t id) {
  std::array<char, 4096> memory;
  passwd found{};
  passwd* entry = nullptr;
  const bool is_known =
      ::getpwuid_r(id, &found, memory.data(), memory.size(), &entry) == 0 && entry != nullptr;
  return is_known ? found.pw_name : "user " + std::to_string(id);
}

// O3: which of the files, or their directory, can't be written by this process, whose it is, and
// what to do; OK where that is not what is wrong.
Outcome check_writable(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
  for (const std::string& file :
       {path, path + "-wal", path + "-shm", path + "-reserve", directory.string()}) {
    struct stat found;
    if (::stat(file.c_str(), &found) != 0) continue;
    const int wanted = S_ISDIR(found.st_mode) ? R_OK | W_OK | X_OK : R_OK | W_OK;
    if (::faccessat(AT_FDCWD, file.c_str(), wanted, AT_EACCESS) == 0) continue;
    const std::string name = std::filesystem::path(file).filename().string();
    if (errno == EROFS) {
      return {MXD_INVALID_ARGUMENT,
              name + " is on a file system that is mounted read-only: mount it writable"};
    }
    const std::string me = user_name(::geteuid());
    std::array<char, 256> said;
    std::snprintf(said.data(), said.size(),
                  "%s belongs to %s (mode %04o) and can't be written by %s: run as its owner, or "
                  "chown it to %s and make it writable",
                  name.c_str(), user_name(found.st_uid).c_str(),
                  static_cast<unsigned>(found.st_mode & 07777), me.c_str(), me.c_str());
    return {MXD_INVALID_ARGUMENT, said.data()};
  }
  return {};
}

Outcome open_and_migrate(const std::string& path, std::string& server_name,
                         std::optional<AccountKey>& account_key, int64_t now_ms) {
  SQLite::Database database(path, SQLite::OPEN_READWRITE, kBusyTimeoutMs);
  // What it looks at is of one moment: another process may be making the database.
  database.exec("BEGIN");
  Outcome outcome = check_ownership(database);
  if (!succeeded(outcome.status)) return outcome;
  database.exec("COMMIT");
  set_write_ahead_log(database);
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA foreign_keys = ON");
  return migrate(database, server_name, account_key, now_ms);
}

}  // namespace

Outcome prepare_file(const std::string& path, std::string& server_name,
                     std::optional<AccountKey>& account_key, int64_t now_ms) {
  Outcome outcome = make_file(path, !server_name.empty());
  // SQLite would open what it can't write for reading only, and call that a success.
  if (succeeded(outcome.status)) outcome = check_writable(path);
  if (!succeeded(outcome.status)) return outcome;
  try {
    return open_and_migrate(path, server_name, account_key, now_ms);
  } catch (const SQLite::Exception& error) {
    const int code = error.getErrorCode() & 0xff;
    const bool may_be_full = code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN;
    if (!may_be_full || !release_reserve(path)) return outcome_of_opening(error);
  }
  // The index of the write-ahead log is made at every start, and needs some room.
  try {
    return open_and_migrate(path, server_name, account_key, now_ms);
  } catch (const SQLite::Exception& error) {
    return outcome_of_opening(error);
  }
}

}  // namespace mxd::store::sqlite
