// Growable records: a caller's may be of an older header than this library's, or of a newer one.
#ifndef MXD_BINDINGS_STORE_COMMON_RECORD_H
#define MXD_BINDINGS_STORE_COMMON_RECORD_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "bindings/store/common/outcome.h"

namespace mxd::store {

// Whether it has all of version 1.0; the text names it where it has not.
template <class Record>
Outcome check_size(const Record& given, size_t size_1_0, const char* name) {
  if (given.size >= size_1_0) return {};
  return {MXD_INVALID_ARGUMENT, std::string(name) + ".size is " + std::to_string(given.size) +
                                    ", below the " + std::to_string(size_1_0) +
                                    " of version 1.0: set it to sizeof(" + name + ")"};
}

// A record as this library knows it: what the caller's header did not have is zero.
template <class Record>
Record known_part(const Record& given) {
  Record known{};
  std::memcpy(&known, &given, std::min<size_t>(given.size, sizeof(Record)));
  return known;
}

// Gives a caller as much of a record as both headers have, and says in size how much that is.
template <class Record>
void give_record(const Record& from, Record& to) {
  const size_t size = std::min<size_t>(to.size, sizeof(Record));
  std::memcpy(&to, &from, size);
  to.size = static_cast<uint32_t>(size);
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_RECORD_H
