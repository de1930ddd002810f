// Attempts before anybody is authenticated are limited, by buckets of units that come back with
// time.
//
// The buckets are a table of fixed size, found by a keyed hash: memory does not grow with the names
// and addresses that an attacker makes up (L4), and nothing is ever evicted, which would hand him
// new units. Two keys that share a bucket share its limit.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/server/accounts/keyed_hash.h"
#include "bindings/server/settings.h"

namespace mxd::server {

class RateLimiter {
 public:
  // In milliseconds, of which the largest limit still fits.
  using Time = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;
  static Time now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
  }

  // The units of one attempt. They are given back, at the end of its life at the latest, if it has
  // succeeded or could not be made; an attempt that failed is spent.
  class Attempt {
   public:
    Attempt() noexcept;  // of no units
    Attempt(Attempt&& other) noexcept
        : limiter_(std::exchange(other.limiter_, nullptr)), units_(other.units_) {}
    Attempt& operator=(Attempt&&) = delete;
    ~Attempt() { give_back(); }

    // It failed, and counts. [any-thread]
    void spend() noexcept { end(false); }
    // Before somebody is told, who may try again at once. [any-thread]
    void give_back() noexcept { end(true); }

   private:
    friend class RateLimiter;
    struct Unit {
      uint32_t bucket = 0;
      std::chrono::milliseconds interval{0};  // 0: no unit
    };

    void end(bool give_back) noexcept {
      if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->end(*this, give_back);
    }

    RateLimiter* limiter_ = nullptr;
    std::array<Unit, 3> units_{};
  };

  struct Bucket {
    std::string_view name;  // of the limit
    std::string_view key;   // who is limited
    LimitSetting limit;
  };

  // An attempt, or how long to wait for one.
  struct Answer {
    std::optional<Attempt> attempt;
    std::chrono::milliseconds wait{0};
  };

  RateLimiter();

  // A unit of each of the buckets (three at most), or of none. They are taken before something is
  // tried, so that attempts sent at once don't slip through. Where one is lacking only because of
  // attempts that are not over yet, the wait is a second at most: theirs may come back.
  // [any-thread]
  Answer take(std::initializer_list<Bucket> buckets, Time now);

 private:
  struct Level {
    Time full_at{};         // when it will have all its units again
    int64_t in_flight = 0;  // units of attempts that are not over
  };

  void end(const Attempt& attempt, bool give_back) noexcept;

  const KeyedHash hash_;
  std::mutex mutex_;
  std::vector<Level> levels_;
};

}  // namespace mxd::server
