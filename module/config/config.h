#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "module/http/json_limits.h"

namespace mxd::config {

// A bucket of tokens: `burst` at once, then one every `interval_ms`.
struct Limit {
  int64_t burst;        // 1 to 1'000'000
  int64_t interval_ms;  // 1 to a day
};

enum class BodyBinding {
  kStrict,   // the body of a request may not change within an authentication (U11)
  kLenient,  // it may until the flow is complete, and never after (U12)
};

struct Uia {
  int64_t session_lifetime_ms = 3'600'000;  // U20
  int64_t completed_lifetime_ms = 300'000;  // U13
  int64_t grace_period_ms = 0;              // U22; 0: none
  uint32_t max_sessions_per_user = 32;      // U25
  BodyBinding body_binding = BodyBinding::kStrict;
  bool allow_unproved_flows = false;  // U6a
};

struct Limits {
  Limit device_creation{20, 2000};  // P6; per service
  Limit uia_failures{3, 6000};      // U23; per user and device, and four times that per user
  Limit uia_challenges{60, 5000};   // U25; per user and device
  Limit uia_repeats{30, 1000};      // U27; per user and device
};

// What an instance can be told at create(); docs/configuration.md.
struct Config {
  std::vector<std::string> path_versions{"v3", "r0"};  // R4
  bool allow_query_token = true;                       // A2
  bool device_id_alias = true;                         // A14
  bool unknown_fields_null = false;                    // G2
  bool fallback_pages = false;                         // F1
  uint64_t max_body_bytes = 1024 * 1024;               // L2
  http::JsonLimits json;                               // L3
  uint64_t max_display_name_length = 100;              // P9; code points
  uint64_t max_devices_per_user = 0;                   // P7; 0: no cap
  std::string user_limit_info_uri;                     // P7
  std::string account_management_url;                  // D3
  std::string server_name;                             // F1; empty: the page does without
  Limits limits;
  Uia uia;
};

// Reads a JSON object; an empty text is the defaults. False: `error` is one line that names the
// key's path and says what is allowed. @throws std::bad_alloc
bool parse(std::string_view json, Config& config, std::string& error);

}  // namespace mxd::config
