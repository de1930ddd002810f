#include "bindings/store/sqlite/file_guard.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>

namespace mxd::store::sqlite {

FileGuard::FileGuard(Connection& connection, const Log& log) : connection_(connection), log_(log) {
  connection.database().exec("SELECT count(*) FROM sqlite_schema");
  // Absolute, and with symbolic links followed.
  const char* const path = sqlite3_db_filename(connection.database().getHandle(), "main");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    File file{std::string(path) + suffix, 0, 0};
    struct stat found;
    if (::stat(file.path.c_str(), &found) != 0) continue;
    file.device = found.st_dev;
    file.inode = found.st_ino;
    files_.push_back(std::move(file));
  }
}

const FileGuard::File* FileGuard::missing() const noexcept {
  const auto found = std::find_if(files_.begin(), files_.end(), [](const File& file) {
    struct stat now;
    return ::stat(file.path.c_str(), &now) != 0 || now.st_ino != file.inode ||
           now.st_dev != file.device;
  });
  return found == files_.end() ? nullptr : &*found;
}

bool FileGuard::in_place() noexcept {
  const File* const gone = missing();
  const bool is_in_place = gone == nullptr;
  if (is_in_place == was_in_place_) return is_in_place;
  was_in_place_ = is_in_place;
  if (is_in_place) {
    log_.line(MXD_LOG_WARNING, "the database's files are back: it is written again");
    return true;
  }
  if (gone != &files_.front()) {
    try {
      connection_.database().exec("PRAGMA wal_checkpoint(FULL)");
    } catch (const std::exception& error) {
      log_.failure("what is in the write-ahead log can't be saved", error.what());
    }
  }
  log_.failure(
      "a file of the database was moved, replaced or removed, so nothing is written; put "
      "it back, or stop, restore and start",
      gone->path.c_str());
  return false;
}

}  // namespace mxd::store::sqlite
