// Points in time and spans, in milliseconds.
#ifndef MXD_BINDINGS_SQLITE_TIME_H
#define MXD_BINDINGS_SQLITE_TIME_H

#include <cstdint>
#include <limits>

namespace mxd::sqlite {

// `span_ms` (>= 0) after `from_ms`, or the end of time.
inline int64_t after_ms(int64_t from_ms, int64_t span_ms) {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  return span_ms > kEnd - from_ms ? kEnd : from_ms + span_ms;
}

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_TIME_H
