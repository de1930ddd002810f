// What a failure of SQLite's is to a caller.
#ifndef MXD_BINDINGS_STORE_SQLITE_STATUS_H
#define MXD_BINDINGS_STORE_SQLITE_STATUS_H

#include <cstdint>

#include "bindings/store/common/outcome.h"

namespace SQLite {
class Exception;
}

namespace mxd::store::sqlite {

// UNAVAILABLE where trying again later can help (locked, full, an I/O error, no memory), INTERNAL
// otherwise.
int32_t status_of(const SQLite::Exception& error);

// The same for opening: what only another path or file can mend is INVALID_ARGUMENT.
Outcome outcome_of_opening(const SQLite::Exception& error);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_STATUS_H
