// The settings of the module: what each is called, may be, and is by default. The module reads its
// configuration by this list, and the server writes the JSON schema from it, so that the two are
// one. docs/configuration.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mxd::config {

inline constexpr int64_t kDayMs = 86'400'000;

// A bucket of tokens: `burst` at once, then one every `interval_ms`.
struct Limit {
  int64_t burst;        // 1 to 1'000'000
  int64_t interval_ms;  // 1 to a day
};

// How large JSON may be in what its text's length does not say. L3
struct JsonLimits {
  size_t depth = 32;     // the outermost value is 1
  size_t members = 128;  // of one object
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

// What an instance can be told at create().
struct Config {
  std::vector<std::string> path_versions{"v3", "r0"};  // R4
  bool allow_query_token = true;                       // A2
  bool device_id_alias = true;                         // A14
  bool unknown_fields_null = false;                    // G2
  bool fallback_pages = false;                         // F1
  uint64_t max_body_bytes = 1024 * 1024;               // L2
  JsonLimits json;                                     // L3
  uint64_t max_display_name_length = 100;              // P9; code points
  uint64_t max_devices_per_user = 0;                   // P7; 0: no cap
  std::string user_limit_info_uri;                     // P7
  std::string account_management_url;                  // D3
  std::string server_name;                             // F1; empty: the page does without
  Limits limits;
  Uia uia;
};

// The two settings of a bucket, the module's or the server's.
template <class Visitor>
void visit_bucket(Visitor& visitor, int64_t& burst, int64_t& interval_ms) {
  visitor.integer("burst", burst, 1, 1'000'000, "So many at once");
  visitor.integer("interval_ms", interval_ms, 1, kDayMs,
                  "Then one more every so many milliseconds");
}

// Shows each setting to `visitor`: its key, its field, what it may be, and in a few words what it
// does. The visitor has a function for each kind: an integer with the least and the most, a choice
// with the names of the first and the second, a text with the most bytes, a text that nobody reads,
// and an object with what visits its members.
template <class Visitor>
void visit_settings(Visitor& visitor, Config& config) {
  constexpr int64_t kWeekMs = 7 * kDayMs;
  visitor.versions("path_versions", config.path_versions,
                   "The versions in the paths that are served");
  visitor.boolean("allow_query_token", config.allow_query_token,
                  "Take the access token from ?access_token= too");
  visitor.boolean("device_id_alias", config.device_id_alias,
                  "Take org.matrix.msc3202.device_id for device_id");
  visitor.boolean("fallback_pages", config.fallback_pages,
                  "Answer /auth/{type}/fallback/web: pages to authenticate on in a browser");
  visitor.choice("unknown_fields", config.unknown_fields_null, "omit", "null",
                 "How a device shows what is not known: leave the key out, or null");
  visitor.integer("max_body_bytes", config.max_body_bytes, 1024, 1 << 30,
                  "Larger bodies are refused (413)");
  visitor.integer("max_json_depth", config.json.depth, 4, 256,
                  "How deep a JSON body may be nested");
  visitor.integer("max_json_members", config.json.members, 8, 1024,
                  "How many members one object of a JSON body may have");
  visitor.integer("max_display_name_length", config.max_display_name_length, 1, 100'000,
                  "Of the name of a device, in code points");
  visitor.integer("max_devices_per_user", config.max_devices_per_user, 0, 1'000'000'000,
                  "No device is created for a user who has so many; 0: no cap");
  visitor.url("user_limit_info_uri", config.user_limit_info_uri,
              "Where a user reads what that cap is");
  visitor.url("account_management_url", config.account_management_url,
              "Where users who log in with OAuth delete their devices");
  visitor.text("server_name", config.server_name, 255,
               "Which server a fallback page says it is of");
  visitor.object("limits", "Buckets: so much at once, then one more every so often",
                 [&](auto& limits) {
                   limits.limit("device_creation", config.limits.device_creation,
                                "Devices that an application service creates");
                   limits.limit("uia_failures", config.limits.uia_failures,
                                "Failed authentications, by user and device");
                   limits.limit("uia_challenges", config.limits.uia_challenges,
                                "Authentications that are begun, by user and device");
                   limits.limit("uia_repeats", config.limits.uia_repeats,
                                "Repeats of what an authentication was for, by user and device");
                 });
  visitor.object("uia", "User-Interactive Authentication", [&](auto& uia) {
    uia.integer("session_lifetime_ms", config.uia.session_lifetime_ms, 1000, kWeekMs,
                "How long a session lives, from its creation");
    uia.integer("completed_lifetime_ms", config.uia.completed_lifetime_ms, 0, kWeekMs,
                "How long a finished session answers a repeat of its operation");
    uia.integer("grace_period_ms", config.uia.grace_period_ms, 0, kWeekMs,
                "Ask for nothing for so long after a success of the same device; 0: always ask");
    uia.integer("max_sessions_per_user", config.uia.max_sessions_per_user, 1, 10'000,
                "Live sessions that a user may have");
    uia.choice("body_binding", config.uia.body_binding, "strict", "lenient",
               "Whether the body may change between challenge and completion");
    uia.boolean("allow_unproved_flows", config.uia.allow_unproved_flows,
                "Offer flows that prove nobody's identity: for servers that have no other");
  });
  visitor.ignored_text("$schema", "Where an editor finds the schema; ignored otherwise");
}

}  // namespace mxd::config
