#include "server/login_limiter.h"

#include <absl/hash/hash.h>
#include <sodium.h>

#include <algorithm>

namespace mxd::server {
namespace {

std::uint64_t random_key() {
  std::uint64_t key = 0;
  randombytes_buf(&key, sizeof key);
  return key;
}

}  // namespace

LoginLimiter::LoginLimiter() : key_(random_key()), addresses_(kBuckets), users_(kBuckets) {}

std::optional<std::chrono::milliseconds> LoginLimiter::take(std::string_view address,
                                                            std::string_view user, Time now) {
  const std::lock_guard lock(mutex_);
  const Pair pair = find(address, user);
  const auto wait = [now](const Bucket& bucket, const Limit& limit) {
    const auto filled = std::max(bucket.full_at, now) + limit.interval;
    return filled - now - limit.burst * limit.interval;
  };
  const auto longest = std::max(wait(*pair.address, kPerAddress), wait(*pair.user, kPerUser));
  if (longest > Time::duration::zero()) {
    return std::chrono::ceil<std::chrono::milliseconds>(longest);
  }
  pair.address->full_at = std::max(pair.address->full_at, now) + kPerAddress.interval;
  pair.user->full_at = std::max(pair.user->full_at, now) + kPerUser.interval;
  return std::nullopt;
}

void LoginLimiter::give_back(std::string_view address, std::string_view user) {
  const std::lock_guard lock(mutex_);
  const Pair pair = find(address, user);
  pair.address->full_at -= kPerAddress.interval;
  pair.user->full_at -= kPerUser.interval;
}

LoginLimiter::Pair LoginLimiter::find(std::string_view address, std::string_view user) {
  const std::size_t by_address = absl::HashOf(key_, address) % kBuckets;
  const std::size_t by_user = absl::HashOf(key_, address, user) % kBuckets;
  return {&addresses_[by_address], &users_[by_user]};
}

}  // namespace mxd::server
