#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "matrix_devices/module.h"
#include "module/host/ids.h"

namespace mxd::host {

// The most that a time of the host's may be, in ms, so that sums of some stay far from
// overflowing.
inline constexpr int64_t kLatestTimeMs = int64_t{1} << 53;

inline constexpr bool is_time(int64_t ms) noexcept {
  return ms >= 0 && ms <= kLatestTimeMs;
}

// Who is asking. Text is in the request's arena.
struct Principal {
  UserId user;
  DeviceId device;            // empty: the token belongs to none
  std::string_view token_id;  // stands for the device where there is none
  std::string_view service_id;
  bool guest = false;
  bool application_service = false;
  bool oauth = false;
  bool unlimited = false;
  std::optional<int64_t> validated_ms;
  mxd_cookie cookie = 0;
};

// A device as the host gives it, good for the call.
struct Device {
  DeviceId id;
  std::optional<std::string_view> display_name;
  std::optional<std::string_view> last_seen_ip;
  std::optional<int64_t> last_seen_ts;  // ms since the epoch
};

// Where listed devices go, one after the other.
class DeviceSink {
 public:
  // @throws std::bad_alloc
  virtual void accept(const Device& device) = 0;

 protected:
  ~DeviceSink() = default;
};

// A flow of User-Interactive Authentication, in a list.
struct Flow {
  struct Stage {
    std::string_view type;
    Stage* next = nullptr;
  };
  Stage* first = nullptr;
  Stage* last = nullptr;
  Flow* next = nullptr;
};

struct Params {
  std::string_view type;
  std::string_view json;  // an object
  Params* next = nullptr;
};

struct Flows {
  Flow* first = nullptr;
  Params* params = nullptr;
};

struct CompletedStage {
  std::string_view type;
  std::optional<UserId> identity;  // whom it proved; none: nobody
  CompletedStage* next = nullptr;
};

// A session of User-Interactive Authentication as the host keeps it.
struct Session {
  std::string_view id;
  int64_t created_ms = 0;
  int64_t lifetime_ms = 0;
  std::optional<int64_t> finished_ms;
  UserId user;
  DeviceId device;
  std::string_view token_id;
  std::string_view method;
  std::string_view endpoint;
  DeviceId path_device;
  std::string_view description;  // of the operation, for a person
  std::optional<std::string_view> body;
  std::string_view body_digest;         // 32 bytes
  std::string_view finished_digest;     // 32 bytes, once finished
  CompletedStage* completed = nullptr;  // in order
};

}  // namespace mxd::host
