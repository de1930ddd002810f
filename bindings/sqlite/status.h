// How something went: a status of the contract, and one line for a person where one is shown.
#ifndef MXD_BINDINGS_SQLITE_STATUS_H
#define MXD_BINDINGS_SQLITE_STATUS_H

#include <cstdint>
#include <string>
#include <utility>

#include "matrix_devices/module.h"

namespace SQLite {
class Exception;
}

namespace mxd::sqlite {

struct Outcome {
  int32_t status = MXD_OK;
  std::string text;  // what to do next; empty on success; never a token or a password
};

inline bool succeeded(int32_t status) {
  return status == MXD_OK || status == MXD_CREATED;
}

// UNAVAILABLE where trying again later can help (locked, full, an I/O error, no memory), INTERNAL
// otherwise.
int32_t status_of(const SQLite::Exception& error);

// The same for opening: what only another path or file can mend is INVALID_ARGUMENT.
Outcome outcome_of_opening(const SQLite::Exception& error);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_STATUS_H
