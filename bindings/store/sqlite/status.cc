#include "bindings/store/sqlite/status.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

namespace mxd::store::sqlite {

int32_t status_of(const SQLite::Exception& error) {
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
      return MXD_UNAVAILABLE;
    default:
      return MXD_INTERNAL;
  }
}

Outcome outcome_of_opening(const SQLite::Exception& error) {
  switch (error.getErrorCode() & 0xff) {
    case SQLITE_NOTADB:
      return {MXD_INVALID_ARGUMENT, "the file is not a SQLite database: name another file"};
    case SQLITE_CORRUPT:
      return {MXD_INVALID_ARGUMENT, "the database is damaged: restore it from a backup"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return {MXD_INVALID_ARGUMENT,
              "the file or its directory can't be opened and written: check path and permissions"};
    case SQLITE_FULL:
      return {MXD_UNAVAILABLE, "the disk is full: make room"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {MXD_UNAVAILABLE, "the database is locked by another process: try again"};
    default:
      return {status_of(error), std::string("the database can't be opened: ") + error.what()};
  }
}

}  // namespace mxd::store::sqlite
