// The clock of a store, and spans of time, in milliseconds.
#ifndef MXD_BINDINGS_STORE_COMMON_CLOCK_H
#define MXD_BINDINGS_STORE_COMMON_CLOCK_H

#include <chrono>
#include <cstdint>
#include <limits>

#include "matrix_devices/module.h"

namespace mxd::store {

// The caller's where it gave one, else the system's. [any-thread]
class WallClock {
 public:
  using Now = int64_t (*)(mxd_cookie) MXD_NOEXCEPT;

  WallClock(Now now, mxd_cookie cookie) : now_(now), cookie_(cookie) {}

  bool is_given() const noexcept { return now_ != nullptr; }

  // Since the epoch.
  int64_t now_ms() const noexcept {
    if (now_ != nullptr) return now_(cookie_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

 private:
  Now now_;
  mxd_cookie cookie_;
};

// `span_ms` (>= 0) after `from_ms`, or the end of time.
inline int64_t after_ms(int64_t from_ms, int64_t span_ms) {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  return span_ms > kEnd - from_ms ? kEnd : from_ms + span_ms;
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_CLOCK_H
