#include "module/host/limiter.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <cstring>

namespace mxd::host {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == sizeof(std::uint64_t));

Limiter::Limiter(const unsigned char secret[16])
    : buckets_(std::make_unique<Bucket[]>(kRows * kBucketsPerRow)) {
  std::memcpy(secret_, secret, sizeof secret_);
}

std::uint64_t Limiter::hash(const mxd_limit& limit) const {
  // One hash over the other, so that the border between name and key counts.
  const auto over = [this](const void* data, std::size_t size) {
    std::uint64_t result;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&result),
                     static_cast<const unsigned char*>(data), size, secret_);
    return result;
  };
  const std::uint64_t parts[2] = {over(limit.name.data, limit.name.size),
                                  over(limit.key.data, limit.key.size)};
  return over(parts, sizeof parts);
}

Limiter::Bucket* Limiter::find(std::uint64_t hash) noexcept {
  Bucket* const row = &buckets_[hash % kRows * kBucketsPerRow];
  Bucket* const end = row + kBucketsPerRow;
  Bucket* const found =
      std::find_if(row, end, [hash](const Bucket& bucket) { return bucket.hash == hash; });
  return found == end ? nullptr : found;
}

Limiter::Bucket& Limiter::find_or_make(std::uint64_t hash) noexcept {
  if (Bucket* found = find(hash)) return *found;
  Bucket* const row = &buckets_[hash % kRows * kBucketsPerRow];
  Bucket* const oldest = std::min_element(
      row, row + kBucketsPerRow,
      [](const Bucket& a, const Bucket& b) { return a.full_at_ms < b.full_at_ms; });
  *oldest = {hash, elapsed_ms_};
  return *oldest;
}

std::int64_t Limiter::take(const mxd_limit* limits, std::size_t count, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (last_now_ms_ != 0) elapsed_ms_ += std::max<std::int64_t>(0, now_ms - last_now_ms_);
  last_now_ms_ = now_ms;

  std::int64_t wait_ms = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Bucket* bucket = find(hash(limits[i]));
    const std::int64_t full_at = std::max(bucket == nullptr ? 0 : bucket->full_at_ms, elapsed_ms_);
    const std::int64_t drained = full_at + limits[i].interval_ms - elapsed_ms_;
    wait_ms = std::max(wait_ms, drained - limits[i].burst * limits[i].interval_ms);
  }
  if (wait_ms > 0) return wait_ms;
  for (std::size_t i = 0; i < count; ++i) {
    Bucket& bucket = find_or_make(hash(limits[i]));
    bucket.full_at_ms = std::max(bucket.full_at_ms, elapsed_ms_) + limits[i].interval_ms;
  }
  return 0;
}

void Limiter::give_back(const mxd_limit* limits, std::size_t count) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    if (Bucket* bucket = find(hash(limits[i]))) bucket->full_at_ms -= limits[i].interval_ms;
  }
}

}  // namespace mxd::host
