// What POST /register remembers between its 401 and the request that answers it. accounts.md, T8
#pragma once

#include <sodium.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mxd::server {

// The parameters of a request as JSON text. They hold a password: their memory is wiped.
class Parameters {
 public:
  explicit Parameters(std::string json = {}) : json_(std::move(json)) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;
  ~Parameters() { sodium_memzero(json_.data(), json_.size()); }

  std::string_view json() const { return json_; }

 private:
  std::string json_;
};

// A session registers one account. All functions are [any-thread].
class RegistrationSessions {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Session {
    std::string id;
    Time began;
    // Of the first request.
    std::unique_ptr<const Parameters> parameters;
    // Whether its challenge was counted for the attempt to come (T6).
    bool is_paid = true;
  };

  static constexpr size_t kMaxSessions = 10'000;
  static constexpr std::chrono::hours kLifetime{1};

  RegistrationSessions();

  // Whether the ID may be one of another server's, or of this one's before it was started again:
  // one that was made up can look so too.
  bool may_be_of_another(std::string_view id) const;

  // Begins one, in the place of the oldest if there are too many; its ID.
  std::string begin(std::string parameters, Time now);

  // Takes a session out: a request has it alone. Nothing if it is not there, or has expired.
  std::optional<Session> take(std::string_view id, Time now);

  // Puts one back that has registered nobody.
  void put_back(Session session);

 private:
  void insert(Session session);

  const std::string mark_;  // begins every ID
  std::mutex mutex_;
  std::list<Session> sessions_;  // the oldest first, but for those that were put back
  // Of Boost: without memory to grow, Abseil's would be left broken.
  boost::unordered_flat_map<std::string, std::list<Session>::iterator> by_id_;
};

}  // namespace mxd::server
