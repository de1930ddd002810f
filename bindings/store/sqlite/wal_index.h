// Whether anybody has written to the database, without asking it.
#ifndef MXD_BINDINGS_STORE_SQLITE_WAL_INDEX_H
#define MXD_BINDINGS_STORE_SQLITE_WAL_INDEX_H

#include <array>
#include <cstdint>

#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// The head of the index of the write-ahead log (https://sqlite.org/walformat.html, section 2), in
// memory that all processes share which have the database open. Every commit changes it, before it
// is over, whoever makes it. So what was read while the mark stood holds for as long as it stands.
class WalIndex {
 public:
  struct Mark {
    std::array<uint64_t, 6> head{};
    bool operator==(const Mark&) const = default;
  };

  // Of a database in WAL mode, of which a connection of this process stays open for as long as this
  // object is used. Throws SQLite::Exception.
  explicit WalIndex(Connection& connection);

  // [any-thread]
  Mark mark() const noexcept;

 private:
  const uint64_t* head_;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_WAL_INDEX_H
