// A copy of the file while it is written to.
#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Database.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/new_file.h"
#include "bindings/store/sqlite/status.h"
#include "bindings/store/sqlite/store.h"

namespace mxd::store::sqlite {
namespace {

constexpr int kPagesAtOnce = 4096;

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat first;
  struct stat second;
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Before anything is copied: whether it may be put there.
Outcome check_target(const std::string& database, const std::string& target, bool replaces) {
  if (target.empty() || target.find('\0') != std::string::npos) {
    return {MXD_INVALID_ARGUMENT, "the backup's name is empty or holds U+0000: name a file"};
  }
  // The files beside it lie where a symbolic link leads; the reserve lies beside the link.
  std::error_code gone;
  for (const std::string& name : {database, std::filesystem::canonical(database, gone).string()}) {
    for (const char* suffix : {"", "-wal", "-shm", "-reserve"}) {
      if (is_same_file(name + suffix, target)) {
        return {MXD_INVALID_ARGUMENT,
                "the backup would take the place of the database itself: name another file"};
      }
    }
  }
  struct stat found;
  if (::lstat(target.c_str(), &found) != 0) return {};
  if (!replaces) return {MXD_BUSY, "there is a file of this name already: name another one"};
  if (S_ISREG(found.st_mode)) return {};
  return {MXD_INVALID_ARGUMENT, "what has this name is no regular file: name another one"};
}

// `progress` may end it with a status of its own.
int32_t copy(SQLite::Database& from, SQLite::Database& to, const mxd_store_backup& given) {
  const auto page_size = static_cast<uint64_t>(from.execAndGet("PRAGMA page_size").getInt64());
  // What is copied is of one moment, and nobody's writing makes it begin again.
  from.exec("BEGIN");
  from.exec("SELECT count(*) FROM sqlite_schema");
  SQLite::Backup backup(to, from);
  while (true) {
    const bool is_done = backup.executeStep(kPagesAtOnce) == SQLITE_DONE;
    const auto total = static_cast<uint64_t>(backup.getTotalPageCount());
    const auto left = static_cast<uint64_t>(backup.getRemainingPageCount());
    if (given.progress != nullptr) {
      const int32_t status =
          given.progress(given.cookie, (total - left) * page_size, total * page_size);
      if (status != MXD_OK) return status;
    }
    if (is_done) return MXD_OK;
  }
}

}  // namespace

Outcome Store::backup(const mxd_store_backup& given) {
  const std::string target(text(given.target));
  const bool replaces = (given.flags & MXD_STORE_BACKUP_REPLACE) != 0;
  Outcome outcome = check_target(path, target, replaces);
  if (!succeeded(outcome.status)) return outcome;
  NewFile file(target);
  if (file.error() != 0) {
    return {MXD_INVALID_ARGUMENT, "no file can be made there: " + file_error(file.error()) +
                                      "; check the directory and its permissions"};
  }
  try {
    SQLite::Database from(path, SQLite::OPEN_READONLY, kBusyTimeoutMs);
    SQLite::Database to(file.name(), SQLite::OPEN_READWRITE);
    to.exec("PRAGMA journal_mode = OFF");
    to.exec("PRAGMA synchronous = OFF");  // put_in_place() does it once
    const int32_t status = copy(from, to, given);
    if (status != MXD_OK) return {status, {}};
  } catch (const SQLite::Exception& error) {
    if ((error.getErrorCode() & 0xff) == SQLITE_FULL) {
      return {MXD_UNAVAILABLE, "the disk of the backup is full: make room, or name another place"};
    }
    return {status_of(error), std::string("the copy failed: ") + error.what()};
  }
  const int error = file.put_in_place(replaces);
  if (error == 0) return {};
  if (error == EEXIST) return {MXD_BUSY, "there is a file of this name already: name another one"};
  return {MXD_UNAVAILABLE, "the copy can't be put in its place: " + file_error(error)};
}

}  // namespace mxd::store::sqlite
