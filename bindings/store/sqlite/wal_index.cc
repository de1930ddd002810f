#include "bindings/store/sqlite/wal_index.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

namespace mxd::store::sqlite {
namespace {

constexpr int kRegionBytes = 32768;  // of the index, section 2.2

const uint64_t* map_head(sqlite3* database) {
  sqlite3_file* file = nullptr;
  int result = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  void volatile* region = nullptr;
  if (result == SQLITE_OK) {
    result = file->pMethods->xShmMap(file, 0, kRegionBytes, 0, &region);
  }
  if (result != SQLITE_OK || region == nullptr) {
    throw SQLite::Exception("the index of the write-ahead log can't be looked at", result);
  }
  // There are two copies. This is the second, which is written first.
  return const_cast<const uint64_t*>(static_cast<volatile uint64_t*>(region)) +
         std::tuple_size_v<decltype(WalIndex::Mark::head)>;
}

}  // namespace

WalIndex::WalIndex(Connection& connection) {
  // What has not been read from has no index open.
  Query(connection, "SELECT server_name FROM store").next();
  head_ = map_head(connection.database().getHandle());
}

WalIndex::Mark WalIndex::mark() const noexcept {
  Mark mark;
  for (size_t i = 0; i < mark.head.size(); ++i)
    mark.head[i] = __atomic_load_n(&head_[i], __ATOMIC_ACQUIRE);
  return mark;
}

}  // namespace mxd::store::sqlite
