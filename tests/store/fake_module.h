// A module that records what the store emits and completes, and hands out operations.
#ifndef MXD_TESTS_STORE_FAKE_MODULE_H
#define MXD_TESTS_STORE_FAKE_MODULE_H

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::test {

struct Device {
  std::string device_id;
  std::optional<std::string> display_name;
  std::optional<std::string> last_seen_ip;
  std::optional<int64_t> last_seen_ts_ms;
};

struct Principal {
  uint32_t flags = 0;
  int64_t validated_ms = 0;
  std::string user_id;
  std::string device_id;
  std::string token_id;
  std::string service_id;
  mxd_cookie cookie = 0;
};

// A session as it is kept.
struct Kept {
  int64_t revision = 0;
  std::string state;
};

// All that came for one operation.
struct Answer {
  int32_t status = INT32_MIN;  // of the completion
  int completions = 0;
  uint64_t completion_order = 0;  // among all operations, from 1
  std::vector<Principal> principals;
  std::vector<Device> devices;
  std::vector<std::pair<uint32_t, std::string>> stages;
  std::optional<std::string> session_id;
  std::optional<Kept> session;
  std::vector<std::pair<std::string, std::string>> completed;
  std::optional<std::string> identity;
  std::optional<std::string> reason;
  std::optional<std::string> errcode;
  std::optional<int64_t> retry_after_ms;
};

// The table to give to fill_host().
const mxd_module& fake_module();

mxd_op new_operation();

// Waits until the operation is completed.
Answer wait_for(mxd_op op);

// Whether it is completed by now.
bool is_complete(mxd_op op);

}  // namespace mxd::test

#endif  // MXD_TESTS_STORE_FAKE_MODULE_H
