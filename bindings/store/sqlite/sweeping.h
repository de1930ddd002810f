// What is removed because its time is over (T6, T11), and when that is.
#ifndef MXD_BINDINGS_STORE_SQLITE_SWEEPING_H
#define MXD_BINDINGS_STORE_SQLITE_SWEEPING_H

#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// Whether anything of what an index finds is over. A transaction for nothing is not free.
bool is_sweeping_due(Connection& connection, int64_t now_ms, int64_t expired_ms,
                     int64_t given_before_ms);

// What one step has removed, and whether there may be more.
struct Swept {
  int64_t count;
  bool is_more;
};

// In the writer's transaction: each removes a few of what it is about, found by an index.
Swept sweep_access_tokens(Connection& writer, int64_t expired_ms);
Swept sweep_refresh_tokens(Connection& writer, int64_t given_before_ms);
// Expired sessions: sweep_sessions() in sessions.h; devices that are gone: remove_gone() in
// deletion.h.

// Rows that are looked through page by page, on a connection that reads, since no index leads to
// the few that are unused.
struct Page {
  std::vector<int64_t> unused;  // as it seemed: the removal looks again
  std::optional<int64_t> last;  // where the next page begins; nullopt: there is none
};
Page find_unused_guests(Connection& connection, int64_t after, int64_t unused_since_ms);
Page find_unused_devices(Connection& connection, int64_t after, int64_t unused_since_ms);

// In the writer's transaction, if it is still unused; whether it was. A device goes as one that its
// user deletes.
bool remove_unused_guest(Connection& writer, int64_t account, int64_t unused_since_ms);
bool remove_unused_device(Connection& writer, int64_t device, int64_t unused_since_ms);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_SWEEPING_H
