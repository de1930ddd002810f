#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "matrix_devices/module.h"

namespace mxd::limits {

// The module's own count of rate limits, for hosts without `take_limit`: buckets by the generic
// cell rate algorithm, in this process only.
//
// A bucket is one number, the time at which it will be full again; one that is full is the same as
// none. They lie in a table of fixed size (L4), under a keyed hash of name and key. Where a row of
// it is full, the bucket that is nearest to being full again makes room.
//
// Beside that it counts the attempts in flight: those that hold a unit which they may give back.
// So a refusal that comes of them alone can be told from one that comes of failures (U23), also
// where the host counts the units.
class Limiter {
 public:
  static constexpr size_t kRows = 2048;
  static constexpr size_t kBucketsPerRow = 8;

  // `secret`: 16 random bytes, so that nobody can aim at another's row. @throws std::bad_alloc
  explicit Limiter(const unsigned char secret[16]);

  // 0 where a unit was taken, or how many ms to wait. `attempts_alone`: without the attempts in
  // flight there would be a unit.
  struct Taken {
    int64_t wait_ms = 0;
    bool attempts_alone = false;
  };

  // One unit from each of the buckets, or from none. `attempt`: it is in flight until
  // end_attempt().
  Taken take(const mxd_limit* limits, size_t count, int64_t now_ms, bool attempt = false);

  // Gives a unit back to each of the buckets.
  void give_back(const mxd_limit* limits, size_t count);

  void end_attempt(const mxd_limit* limits, size_t count);

  // ---- Where the host counts the units ----

  // Before the host is asked for an attempt's unit, and after it has refused it.
  void begin_asking(const mxd_limit* limits, size_t count);
  void end_asking(const mxd_limit* limits, size_t count);
  // The host has given the unit: the attempt is in flight.
  void note_taken(const mxd_limit* limits, size_t count, int64_t now_ms);
  // The host has refused it for so long, and nothing is asked any more: whether the attempts in
  // flight are why. What other processes took is known from the wait only.
  bool attempts_alone(const mxd_limit* limits, size_t count, int64_t now_ms, int64_t wait_ms);

 private:
  struct Bucket {
    uint64_t hash = 0;
    int64_t full_at_ms = 0;  // on the limiter's own clock
    uint32_t attempts = 0;   // in flight
    uint32_t asking = 0;     // attempts that may have got their unit, from the host
  };
  struct Wait {
    int64_t ms;              // for one more unit; not above 0: it is there
    int64_t of_attempts_ms;  // what of that the attempts in flight can make
    int64_t of_asking_ms;    // and those that are asking
  };

  uint64_t hash(const mxd_limit& limit) const;
  void go_on(int64_t now_ms) noexcept;
  Wait wait_for(const mxd_limit& limit) noexcept;
  Bucket* find(uint64_t hash) noexcept;
  Bucket& find_or_make(uint64_t hash) noexcept;

  std::mutex mutex_;
  std::unique_ptr<Bucket[]> buckets_;
  unsigned char secret_[16];
  // Goes with the host's clock, but never backwards: what that loses is not made up for.
  int64_t elapsed_ms_ = 0;
  int64_t last_now_ms_ = 0;
};

}  // namespace mxd::limits
