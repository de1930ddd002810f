// Writing what LastSeen has collected.
#ifndef MXD_BINDINGS_STORE_SQLITE_LAST_SEEN_WRITE_H
#define MXD_BINDINGS_STORE_SQLITE_LAST_SEEN_WRITE_H

#include <cstdint>
#include <optional>
#include <string_view>

#include "bindings/store/common/last_seen.h"
#include "bindings/store/sqlite/writer.h"

namespace mxd::store::sqlite {

// LastSeen::note(), and the write where one is due: it goes along with the next transaction. The
// writer must be done with its queue before `last_seen` goes.
void note_last_seen(LastSeen<int64_t>& last_seen, Writer& writer, int64_t device,
                    std::optional<int64_t> written_ms, std::string_view address, int64_t now_ms);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_LAST_SEEN_WRITE_H
