// Whether the files that are open are still the ones at their path.
#ifndef MXD_BINDINGS_STORE_SQLITE_FILE_GUARD_H
#define MXD_BINDINGS_STORE_SQLITE_FILE_GUARD_H

#include <sys/types.h>

#include <string>
#include <vector>

#include "bindings/store/common/log.h"
#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// O5: SQLite goes on writing to a file that was moved, replaced or removed, and what it writes is
// not there after a restart. Asked before and after every commit; costs three stat(). For the
// writer's thread.
class FileGuard {
 public:
  // Of a connection that has read: the write-ahead log and its index are there from then on, and
  // stay for as long as a connection is open. Throws SQLite::Exception.
  FileGuard(Connection& connection, const Log& log);

  // Logs a line when that changes, and saves what had been answered to the database if it is only
  // the log that is gone.
  bool in_place() noexcept;

 private:
  struct File {
    std::string path;
    dev_t device;
    ino_t inode;
  };

  const File* missing() const noexcept;

  Connection& connection_;
  const Log& log_;
  std::vector<File> files_;  // the database first
  bool was_in_place_ = true;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_FILE_GUARD_H
