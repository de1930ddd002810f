// What is limited before anybody is authenticated, and by which buckets. accounts.md, T5 and T6
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bindings/server/accounts/keyed_hash.h"
#include "bindings/server/accounts/rate_limiter.h"
#include "bindings/server/settings.h"

namespace mxd::server {

// Addresses are as client_address.h has them; who is limited is their network. All functions are
// [any-thread].
class AttemptLimits {
 public:
  using Time = RateLimiter::Time;
  using Answer = RateLimiter::Answer;

  // Not `enabled`: nothing is limited, whatever the settings say.
  AttemptLimits(const CurrentSettings& settings, bool enabled);

  // A password of `user`, in the one spelling of the name that all share.
  Answer login(std::string_view address, std::string_view user, Time now);
  // It was right. Guesses from elsewhere, which empty the bucket of the user, then don't lock this
  // network out. It is forgotten when the table needs the place.
  void remember(std::string_view address, std::string_view user);

  Answer registration(std::string_view address, Time now);
  Answer unknown_refresh_token(std::string_view address, Time now);

 private:
  Answer take(std::initializer_list<RateLimiter::Bucket> buckets, Time now);

  const CurrentSettings& settings_;
  const bool enabled_;
  RateLimiter limiter_;
  const KeyedHash hash_;
  std::vector<std::atomic<uint64_t>> known_;  // hashes of network and user
};

}  // namespace mxd::server
