// What connections leave behind when many of them have gone.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cstddef>

namespace mxd::server {

// The C library keeps what is freed for the next ones. While they come and go that is right; once
// most have gone for good it is given back to the system, which takes some milliseconds and is not
// for every close. [any-thread]
class SpareMemory {
 public:
  // To be called every second or so with how many are open. Whether much was given back.
  bool give_back(size_t open) {
    size_t peak = peak_.load(std::memory_order_relaxed);
    while (open > peak && !peak_.compare_exchange_weak(peak, open)) {
    }
    if (open + kMany > peak || open > peak / 2) return false;
    if (!peak_.compare_exchange_strong(peak, open)) return false;  // another thread does it
#ifdef __GLIBC__
    ::malloc_trim(0);
#endif
    return true;
  }

 private:
  static constexpr size_t kMany = 1000;

  std::atomic<size_t> peak_ = 0;  // since it was last given back
};

}  // namespace mxd::server
