// One change to the file, as the writer's queue holds it.
#ifndef MXD_BINDINGS_STORE_SQLITE_WRITE_H
#define MXD_BINDINGS_STORE_SQLITE_WRITE_H

#include <cstdint>

#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// Both functions are called on the writer's thread, once each, run() first; run() is passed over
// when the transaction can't begin.
class Write {
 public:
  virtual ~Write() = default;

  // Makes the change, inside a transaction. A status other than OK and CREATED, or an exception
  // (SQLite::Exception, std::bad_alloc), undoes what this write did, and only that.
  virtual int32_t run(Connection& connection) = 0;

  // Whether it changes the file with one statement, which SQLite undoes where it fails, and changes
  // nothing where it returns another status than OK and CREATED: it costs no savepoint then.
  virtual bool is_one_statement() const { return false; }

  // O4: whether it may use the room that is kept for deletions on a full disk.
  virtual bool may_use_reserve() const { return false; }

  // The change is on disk, or it never will be: UNAVAILABLE or INTERNAL.
  virtual void finish(int32_t status) noexcept = 0;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_WRITE_H
