// A request as it came, and what the checking module reads of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::check {

enum class Route : uint8_t { kDevices, kOneDevice, kDeletion };

struct RouteRow {
  Route route;
  std::string_view methods;
  std::string_view path;
};

// The routes of the module, each under v3 and r0; nothing after the last.
const RouteRow* route_row(uint32_t index);
// By the target: its path, or that of the absolute form.
const RouteRow* find_route(std::string_view target);

struct Request {
  mxd_cookie cookie = 0;
  std::string method;
  std::string target;  // as it came
  std::string token;   // empty: none
  std::string remote_addr;
  bool wants_json = false;      // by Accept
  bool body_too_large = false;  // the flag
  size_t body_size = 0;
  std::optional<std::string> resume;    // the query's, which says what to go on with
  std::optional<std::string> skip;      // the query's: why that can't be tried
  std::optional<std::string> answered;  // the query's: what the host answered itself
  std::optional<std::string> user_id;   // the query's, for an application service
  std::optional<std::string> device_id;
};

Request read_request(const mxd_request& from);

// What is wrong with the record of handle(), or nullptr.
const char* fault_of(const mxd_request& request);

// A target without its query.
std::string_view path_of(std::string_view target);

}  // namespace mxd::check
