#include "module/limits/limiter.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <cstring>

namespace mxd::limits {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == sizeof(uint64_t));

Limiter::Limiter(const unsigned char secret[16])
    : buckets_(std::make_unique<Bucket[]>(kRows * kBucketsPerRow)) {
  std::memcpy(secret_, secret, sizeof secret_);
}

uint64_t Limiter::hash(const mxd_limit& limit) const {
  // One hash over the other, so that the border between name and key counts.
  const auto over = [this](const void* data, size_t size) {
    uint64_t result;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&result),
                     static_cast<const unsigned char*>(data), size, secret_);
    return result;
  };
  const uint64_t parts[2] = {over(limit.name.data, limit.name.size),
                             over(limit.key.data, limit.key.size)};
  return over(parts, sizeof parts);
}

Limiter::Bucket* Limiter::find(uint64_t hash) noexcept {
  Bucket* const row = &buckets_[hash % kRows * kBucketsPerRow];
  Bucket* const end = row + kBucketsPerRow;
  Bucket* const found =
      std::find_if(row, end, [hash](const Bucket& bucket) { return bucket.hash == hash; });
  return found == end ? nullptr : found;
}

Limiter::Bucket& Limiter::find_or_make(uint64_t hash) noexcept {
  if (Bucket* found = find(hash)) return *found;
  Bucket* const row = &buckets_[hash % kRows * kBucketsPerRow];
  Bucket* const oldest = std::min_element(
      row, row + kBucketsPerRow,
      [](const Bucket& a, const Bucket& b) { return a.full_at_ms < b.full_at_ms; });
  *oldest = {hash, elapsed_ms_, 0, 0};
  return *oldest;
}

void Limiter::go_on(int64_t now_ms) noexcept {
  if (last_now_ms_ != 0) elapsed_ms_ += std::max<int64_t>(0, now_ms - last_now_ms_);
  last_now_ms_ = now_ms;
}

Limiter::Wait Limiter::wait_for(const mxd_limit& limit) noexcept {
  const Bucket* bucket = find(hash(limit));
  const int64_t full_at = std::max(bucket == nullptr ? 0 : bucket->full_at_ms, elapsed_ms_);
  const int64_t drained = full_at + limit.interval_ms - elapsed_ms_;
  return {drained - limit.burst * limit.interval_ms,
          bucket == nullptr ? 0 : bucket->attempts * limit.interval_ms,
          bucket == nullptr ? 0 : bucket->asking * limit.interval_ms};
}

Limiter::Taken Limiter::take(const mxd_limit* limits, size_t count, int64_t now_ms, bool attempt) {
  const std::lock_guard lock(mutex_);
  go_on(now_ms);
  Taken taken{0, true};
  for (size_t i = 0; i < count; ++i) {
    const Wait wait = wait_for(limits[i]);
    taken.wait_ms = std::max(taken.wait_ms, wait.ms);
    if (wait.ms > 0 && wait.ms > wait.of_attempts_ms) taken.attempts_alone = false;
  }
  if (taken.wait_ms > 0) return taken;
  for (size_t i = 0; i < count; ++i) {
    Bucket& bucket = find_or_make(hash(limits[i]));
    bucket.full_at_ms = std::max(bucket.full_at_ms, elapsed_ms_) + limits[i].interval_ms;
    if (attempt) ++bucket.attempts;
  }
  return {};
}

void Limiter::give_back(const mxd_limit* limits, size_t count) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count; ++i) {
    if (Bucket* bucket = find(hash(limits[i]))) bucket->full_at_ms -= limits[i].interval_ms;
  }
}

// A count may be 0 at its end: its bucket had to make room for another meanwhile.

void Limiter::end_attempt(const mxd_limit* limits, size_t count) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count; ++i) {
    Bucket* bucket = find(hash(limits[i]));
    if (bucket != nullptr && bucket->attempts > 0) --bucket->attempts;
  }
}

void Limiter::begin_asking(const mxd_limit* limits, size_t count) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count; ++i)
    ++find_or_make(hash(limits[i])).asking;
}

void Limiter::end_asking(const mxd_limit* limits, size_t count) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count; ++i) {
    Bucket* bucket = find(hash(limits[i]));
    if (bucket != nullptr && bucket->asking > 0) --bucket->asking;
  }
}

void Limiter::note_taken(const mxd_limit* limits, size_t count, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  go_on(now_ms);
  for (size_t i = 0; i < count; ++i) {
    Bucket& bucket = find_or_make(hash(limits[i]));
    const int64_t full_at = std::max(bucket.full_at_ms, elapsed_ms_) + limits[i].interval_ms;
    // The host gave it: by its count there was a unit, whatever was lost sight of here.
    bucket.full_at_ms = std::min(full_at, elapsed_ms_ + limits[i].burst * limits[i].interval_ms);
    if (bucket.asking > 0) --bucket.asking;
    ++bucket.attempts;
  }
}

bool Limiter::attempts_alone(const mxd_limit* limits, size_t count, int64_t now_ms,
                             int64_t wait_ms) {
  const std::lock_guard lock(mutex_);
  go_on(now_ms);
  bool enough = false;
  for (size_t i = 0; i < count; ++i) {
    const Wait wait = wait_for(limits[i]);
    if (wait.ms > 0 && wait.ms > wait.of_attempts_ms) return false;
    enough = enough || wait_ms <= wait.of_attempts_ms + wait.of_asking_ms;
  }
  return enough;
}

}  // namespace mxd::limits
