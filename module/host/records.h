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
  bool appservice = false;
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

// Whether all its text is.
bool is_utf8(const Device& device) noexcept;

// Where listed devices go, one after the other.
class DeviceSink {
 public:
  // False: not all its text is UTF-8. Asked here, since who writes it down reads it once more.
  // @throws std::bad_alloc
  virtual bool accept(const Device& device) = 0;

 protected:
  ~DeviceSink() = default;
};

// A flow of User-Interactive Authentication, in a list.
struct Flow {
  struct Stage {
    std::string_view type;
    bool proves_nobody = false;  // says the host, of a stage that the specification does not name
    Stage* next = nullptr;
  };
  Stage* first = nullptr;
  Stage* last = nullptr;
  uint32_t stage_count = 0;
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

// A stage that was completed, in a list.
struct CompletedStage {
  std::string_view type;
  std::string_view identity;  // the user ID that it proved; empty: none
  CompletedStage* next = nullptr;
};

// A session of User-Interactive Authentication as the host keeps it.
struct KeptSession {
  std::string_view state;
  int64_t revision = 0;
  CompletedStage* elsewhere = nullptr;  // completed there, in order
};

// The most stages that all flows have together, and that a session can have completed.
inline constexpr uint32_t kMaxStages = 64;

// Of a `state`, in bytes.
inline constexpr size_t kMaxState = 256 * 1024;

}  // namespace mxd::host
