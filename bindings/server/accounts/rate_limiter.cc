#include "bindings/server/accounts/rate_limiter.h"

#include <algorithm>

namespace mxd::server {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBuckets = 131'072;
constexpr milliseconds kWaitForOthers = std::chrono::seconds(1);

}  // namespace

RateLimiter::Attempt::Attempt() noexcept = default;

RateLimiter::RateLimiter() : levels_(kBuckets) {}

RateLimiter::Answer RateLimiter::take(std::initializer_list<Bucket> buckets, Time now) {
  Answer answer;
  Attempt& attempt = answer.attempt.emplace();
  size_t count = 0;
  for (const Bucket& bucket : buckets) {
    const uint64_t hash = hash_(bucket.name, bucket.key);
    attempt.units_.at(count++) = {static_cast<uint32_t>(hash % kBuckets), bucket.limit.interval};
  }

  const std::lock_guard lock(mutex_);
  const Attempt::Unit* unit = attempt.units_.data();
  for (const Bucket& bucket : buckets) {
    const Level& level = levels_[unit++->bucket];
    const auto room = bucket.limit.burst * bucket.limit.interval;
    const auto wait_until = [&](Time full_at) {
      return std::max(std::max(full_at, now) + bucket.limit.interval - now - room, milliseconds(0));
    };
    milliseconds wait = wait_until(level.full_at);
    const Time without_others = level.full_at - level.in_flight * bucket.limit.interval;
    if (wait_until(without_others) == milliseconds(0)) wait = std::min(wait, kWaitForOthers);
    answer.wait = std::max(answer.wait, wait);
  }
  if (answer.wait > milliseconds(0)) {
    answer.attempt.reset();
    return answer;
  }
  for (size_t i = 0; i < count; ++i) {
    Level& level = levels_[attempt.units_[i].bucket];
    level.full_at = std::max(level.full_at, now) + attempt.units_[i].interval;
    ++level.in_flight;
  }
  attempt.limiter_ = this;
  return answer;
}

void RateLimiter::end(const Attempt& attempt, bool give_back) noexcept {
  const std::lock_guard lock(mutex_);
  for (const Attempt::Unit& unit : attempt.units_) {
    if (unit.interval == milliseconds(0)) continue;
    Level& level = levels_[unit.bucket];
    --level.in_flight;
    if (give_back) level.full_at -= unit.interval;
  }
}

}  // namespace mxd::server
