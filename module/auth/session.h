#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "module/host/records.h"
#include "module/memory/arena.h"

namespace mxd::auth {

// What a session is for, beside the body. U11
struct Subject {
  std::string_view method;
  std::string_view endpoint;            // "/devices/{deviceId}", "/delete_devices"
  std::string_view path_device;         // of a path that has one,
  std::string_view path_device_digest;  // or in its place, of one that nothing can own: R10

  bool operator==(const Subject&) const = default;
};

// A session of User-Interactive Authentication, as its `state` says and with what was completed
// elsewhere. Text lives in the request's arena.
struct Session {
  std::string_view id;  // empty: there is none
  int64_t revision = 0;
  int64_t expires_ms = 0;
  host::UserId user;
  host::DeviceId device;
  std::string_view token_id;  // stands for the device where there is none
  Subject subject;
  std::string_view digest;                    // of the body, in hexadecimal
  std::optional<std::string_view> body;       // unless it was too large
  std::string_view form_token;                // a secret, for the form of the fallback page
  host::CompletedStage* completed = nullptr;  // those kept, then those elsewhere
  bool has_news = false;        // `completed` has some that the state does not have yet
  bool proves_another = false;  // an identity that is not the user's, wherever it was proved
  std::optional<int64_t> finished_ms;
  bool dead = false;  // U6a
  // What was loaded, with members that this version does not know.
  const boost::json::object* loaded = nullptr;
};

// A session of the host's, read. Its `state` is JSON; the format is frozen (docs/contract.md).
struct ReadSession {
  enum class Outcome {
    kGood,
    kTooNew,     // `must` names something that this version does not know: U9
    kMalformed,  // not what the module wrote
  };
  Outcome outcome;
  Session session;
};

// @throws std::bad_alloc
ReadSession read_session(memory::Arena& arena, std::string_view id, const host::KeptSession& kept);

// The `state` of a session. Keeps what it does not know; leaves the body out where that takes it
// over host::kMaxState bytes, under which all is that this version writes. @throws std::bad_alloc
std::string_view write_state(memory::Arena& arena, const Session& session);

// Adds a stage. @throws std::bad_alloc
void add_completed(memory::Arena& arena, Session& session, std::string_view type,
                   std::string_view identity);

}  // namespace mxd::auth
