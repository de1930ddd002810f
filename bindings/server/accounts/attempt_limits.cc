#include "bindings/server/accounts/attempt_limits.h"

#include <string>

#include "bindings/server/http/client_address.h"

namespace mxd::server {
namespace {

constexpr size_t kKnownPlaces = 65'536;

}  // namespace

std::chrono::milliseconds AttemptLimits::Attempt::share() {
  if (store_ == nullptr || buckets_.empty()) return {};
  const Store::Taken taken = store_->take_limits(buckets_);
  is_shared_ = taken.status == MXD_OK;
  return taken.wait;
}

void AttemptLimits::Attempt::spend() noexcept {
  counted_.spend();
  is_shared_ = false;
}

void AttemptLimits::Attempt::give_back() noexcept {
  counted_.give_back();
  if (std::exchange(is_shared_, false)) store_->give_limits_back(buckets_);
}

AttemptLimits::AttemptLimits(const CurrentSettings& settings, bool enabled, const Store* store)
    : settings_(settings), enabled_(enabled), store_(store), known_(kKnownPlaces) {}

AttemptLimits::Answer AttemptLimits::login(std::string_view address, std::string_view user,
                                           Time now) {
  const Settings::Limits& limits = settings_->limits;
  const std::string network = limited_network(address);
  const std::string network_and_user = network + ' ' + std::string(user);
  const RateLimiter::Bucket by_both{"login_address_user", network_and_user,
                                    limits.login_address_user};
  const RateLimiter::Bucket by_network{"login_address", network, limits.login_address};
  const uint64_t hash = hash_(network, user);
  if (known_[hash % kKnownPlaces].load(std::memory_order_relaxed) == hash) {
    return take({by_both, by_network}, now);
  }
  return take({by_both, by_network, {"login_user", user, limits.login_user}}, now);
}

void AttemptLimits::remember(std::string_view address, std::string_view user) {
  const uint64_t hash = hash_(limited_network(address), user);
  known_[hash % kKnownPlaces].store(hash, std::memory_order_relaxed);
}

AttemptLimits::Answer AttemptLimits::registration(std::string_view address, Time now) {
  const std::string network = limited_network(address);
  return take({{"registration_address", network, settings_->limits.registration_address}}, now);
}

AttemptLimits::Answer AttemptLimits::unknown_refresh_token(std::string_view address, Time now) {
  const std::string network = limited_network(address);
  return take({{"refresh_address", network, settings_->limits.registration_address}}, now);
}

AttemptLimits::Answer AttemptLimits::take(std::initializer_list<RateLimiter::Bucket> buckets,
                                          Time now) {
  Answer answer;
  if (!enabled_ || !settings_->limits.enabled) {
    answer.attempt.emplace(RateLimiter::Attempt(), std::vector<SharedBucket>(), nullptr);
    return answer;
  }
  RateLimiter::Answer counted = limiter_.take(buckets, now);
  answer.wait = counted.wait;
  if (!counted.attempt) return answer;
  std::vector<SharedBucket> shared;
  shared.reserve(buckets.size());
  for (const RateLimiter::Bucket& bucket : buckets)
    shared.push_back({std::string(bucket.name), std::string(bucket.key), bucket.limit});
  answer.attempt.emplace(std::move(*counted.attempt), std::move(shared), store_);
  return answer;
}

}  // namespace mxd::server
