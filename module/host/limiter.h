#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "matrix_devices/module.h"

namespace mxd::host {

/// The module's own count of rate limits, for hosts without `take_limit`: buckets by the generic
/// cell rate algorithm, in this process only.
///
/// A bucket is one number, the time at which it will be full again; one that is full is the same as
/// none. They lie in a table of fixed size (L4), under a keyed hash of name and key. Where a row of
/// it is full, the bucket that is nearest to being full again makes room.
class Limiter {
 public:
  static constexpr std::size_t kRows = 2048;
  static constexpr std::size_t kBucketsPerRow = 8;

  /// `secret`: 16 random bytes, so that nobody can aim at another's row. @throws std::bad_alloc
  explicit Limiter(const unsigned char secret[16]);

  /// One unit from each of the buckets, or from none: 0, or how many ms to wait.
  std::int64_t take(const mxd_limit* limits, std::size_t count, std::int64_t now_ms);

  /// Gives a unit back to each of the buckets.
  void give_back(const mxd_limit* limits, std::size_t count);

 private:
  struct Bucket {
    std::uint64_t hash = 0;
    std::int64_t full_at_ms = 0;  // on the limiter's own clock
  };

  std::uint64_t hash(const mxd_limit& limit) const;
  Bucket* find(std::uint64_t hash) noexcept;
  Bucket& find_or_make(std::uint64_t hash) noexcept;

  std::mutex mutex_;
  std::unique_ptr<Bucket[]> buckets_;
  unsigned char secret_[16];
  /// Goes with the host's clock, but never backwards: what that loses is not made up for.
  std::int64_t elapsed_ms_ = 0;
  std::int64_t last_now_ms_ = 0;
};

}  // namespace mxd::host
