// Password guesses are limited, by address, and by address and user.
//
// The buckets are a fixed array, found by a keyed hash: memory does not grow with the names that an
// attacker makes up, and nothing is ever evicted, which would hand them new guesses. Two keys that
// share a bucket share its limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace mxd::server {

class LoginLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LoginLimiter();

  // Takes a unit before a password is tried, so that guesses sent at once don't slip through.
  // Otherwise says how long to wait. [any-thread]
  std::optional<std::chrono::milliseconds> take(std::string_view address, std::string_view user,
                                                Time now);
  // The password was right: it was no guess. [any-thread]
  void give_back(std::string_view address, std::string_view user);

 private:
  struct Bucket {
    Time full_at{};  // when it will have all its units again
  };
  struct Limit {
    int burst;
    std::chrono::milliseconds interval;  // after which one unit comes back
  };
  static constexpr Limit kPerAddress{100, std::chrono::seconds(1)};
  static constexpr Limit kPerUser{10, std::chrono::seconds(6)};
  static constexpr std::size_t kBuckets = 32768;

  struct Pair {
    Bucket* address;
    Bucket* user;
  };
  Pair find(std::string_view address, std::string_view user);

  const std::uint64_t key_;
  std::mutex mutex_;
  std::vector<Bucket> addresses_;
  std::vector<Bucket> users_;
};

}  // namespace mxd::server
