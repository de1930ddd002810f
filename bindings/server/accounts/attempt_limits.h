// What is limited before anybody is authenticated, and by which buckets. accounts.md, T5 and T6
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/server/accounts/keyed_hash.h"
#include "bindings/server/accounts/rate_limiter.h"
#include "bindings/server/settings.h"
#include "bindings/server/store.h"

namespace mxd::server {

// This process counts first. Where the store counts for all servers on its database, it is asked
// where an attempt may wait for it. Addresses are as client_address.h has them; who is limited is
// their network. All functions are [any-thread].
class AttemptLimits {
 public:
  using Time = RateLimiter::Time;

  // The units of one attempt, given back at the end of its life at the latest, unless it is spent.
  class Attempt {
   public:
    Attempt(RateLimiter::Attempt counted, std::vector<SharedBucket> buckets, const Store* store)
        : counted_(std::move(counted)), buckets_(std::move(buckets)), store_(store) {}
    Attempt(Attempt&& other) noexcept
        : counted_(std::move(other.counted_)),
          buckets_(std::move(other.buckets_)),
          store_(other.store_),
          is_shared_(std::exchange(other.is_shared_, false)) {}
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt() { give_back(); }

    // Takes the units of all servers too; how long to wait if there is none left, else 0. Where the
    // database can't be asked, this process's count has to do. Blocks.
    std::chrono::milliseconds share();

    // It failed, and counts.
    void spend() noexcept;
    // It has succeeded, or could not be made.
    void give_back() noexcept;

   private:
    RateLimiter::Attempt counted_;
    std::vector<SharedBucket> buckets_;
    const Store* store_;  // null: nothing is shared
    bool is_shared_ = false;
  };

  // An attempt, or how long to wait for one.
  struct Answer {
    std::optional<Attempt> attempt;
    std::chrono::milliseconds wait{0};
  };

  // Not `enabled`: nothing is limited, whatever the settings say. The store must outlive it, and
  // need not be there yet.
  AttemptLimits(const CurrentSettings& settings, bool enabled, const Store* store);

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
  const Store* const store_;
  RateLimiter limiter_;
  const KeyedHash hash_;
  std::vector<std::atomic<uint64_t>> known_;  // hashes of network and user
};

}  // namespace mxd::server
