// What a host answered to one question.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::check {

struct Principal {
  uint32_t flags = 0;
  int64_t validated_ms = 0;
  std::string user_id, device_id, token_id, service_id;
  mxd_cookie cookie = 0;
};

struct Device {
  std::string device_id;
  std::optional<std::string> display_name, last_seen_ip;
  std::optional<int64_t> last_seen_ts_ms;

  bool operator==(const Device&) const = default;
};

struct Stage {
  uint32_t flow = 0;
  uint32_t flags = 0;
  std::string type, params;

  bool operator==(const Stage&) const = default;
};

struct Kept {
  int64_t revision = 0;
  std::string state;
};

struct Answer {
  int32_t status = MXD_INTERNAL;
  std::optional<Principal> principal;
  std::vector<Device> devices;
  std::vector<Stage> stages;
  std::optional<std::string> session_id;
  std::optional<Kept> kept;
  std::optional<std::string> identity;
  std::optional<int64_t> retry_after_ms;
};

}  // namespace mxd::check
