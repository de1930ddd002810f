// What a host for the tests of the checking module keeps, over restarts and for all its processes:
// users, devices, tokens, sessions, buckets.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxd::check_test {

struct KeptDevice {
  std::optional<std::string> name;
  int64_t last_seen_ms = 0;
  std::optional<int64_t> validated_ms;
};

struct User {
  std::string password;
  std::map<std::string, KeptDevice> devices;
  bool locked = false;
  bool guest = false;
  bool of_service = false;
};

enum class TokenState : uint8_t { kGood, kExpired };

struct Token {
  std::string user_id;
  std::string device_id;
  TokenState state = TokenState::kGood;
};

struct KeptSession {
  std::string user_id;
  std::string device_id;
  int64_t created = 0;  // a sequence
  int64_t created_minute = 0;
  int64_t expires_ms = 0;
  int64_t revision = 1;
  bool finished = false;
  std::string state;
};

struct Units {
  int64_t left = 0;
  int64_t since_ms = 0;  // when the last one came back
};

struct World {
  World();

  int64_t now_ms() const;

  std::mutex mutex;  // of what follows
  std::map<std::string, User> users;
  std::map<std::string, Token> tokens;
  std::map<std::string, KeptSession> sessions;
  std::map<std::pair<std::string, std::string>, Units> buckets;  // by name and key
  int64_t sequence = 0;

  std::atomic<int64_t> turned_ms = 0;  // the clock, forward
  std::atomic<int> unanswered = 0;     // questions that were forgotten
  std::atomic<int> replacing = 0;      // between reading a revision and writing
  std::atomic<int> flows = 0;          // how often they were asked for
};

inline constexpr std::string_view kServiceToken = "service-token";
inline constexpr std::string_view kSender = "@bridge:check.example";

// The configuration for the module that goes with a new World.
std::string configuration(int parallel);

}  // namespace mxd::check_test
