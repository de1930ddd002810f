// Every callback that asks something, for tests of how it is answered.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/rows.h"

namespace mxd::test {

// A callback, and a request that asks it.
struct Question {
  const char* callback;
  Request request;
};

inline std::vector<Question> questions() {
  const std::string one = std::string(kDevices) + "/PHONE";
  const std::string credentials = with_auth(password_stage(""));
  const std::string unknown = with_auth(password_stage("secret-unknown"));
  return {
      {"authenticate", {.target = kDevices, .token = kPhoneToken}},
      {"list_devices", {.target = kDevices, .token = kPhoneToken}},
      {"get_device", {.target = one, .token = kPhoneToken}},
      {"rename_device",
       {.method = "PUT", .target = one, .token = kPhoneToken, .body = R"({"display_name":"x"})"}},
      {"put_device", {.method = "PUT", .target = one, .token = kServiceToken, .body = "{}"}},
      {"uia_flows", {.method = "DELETE", .target = one, .token = kPhoneToken}},
      {"uia_create_session", {.method = "DELETE", .target = one, .token = kPhoneToken}},
      {"uia_load_session",
       {.method = "DELETE", .target = one, .token = kPhoneToken, .body = unknown}},
      {"uia_check", {.method = "DELETE", .target = one, .token = kPhoneToken, .body = credentials}},
      {"uia_replace_session",
       {.method = "DELETE", .target = one, .token = kPhoneToken, .body = credentials}},
      {"mark_validated",
       {.method = "DELETE", .target = one, .token = kPhoneToken, .body = credentials}},
      {"delete_devices",
       {.method = "DELETE", .target = one, .token = kPhoneToken, .body = credentials}},
  };
}

inline mxd_device a_device(std::string_view id) {
  mxd_device device{};
  device.size = sizeof device;
  device.device_id = view(id);
  return device;
}

inline mxd_principal a_principal(std::string_view user, std::string_view device) {
  mxd_principal principal{};
  principal.size = sizeof principal;
  principal.user_id = view(user);
  principal.device_id = view(device);
  return principal;
}

inline mxd_uia_stage a_stage(uint32_t flow, std::string_view type) {
  mxd_uia_stage stage{};
  stage.size = sizeof stage;
  stage.flow = flow;
  stage.type = view(type);
  return stage;
}

inline mxd_uia_kept a_session(std::string_view state) {
  mxd_uia_kept session{};
  session.size = sizeof session;
  session.revision = 1;
  session.state = view(state);
  return session;
}

inline mxd_uia_completed a_completed(std::string_view type, std::string_view identity) {
  mxd_uia_completed completed{};
  completed.size = sizeof completed;
  completed.type = view(type);
  completed.identity = view(identity);
  return completed;
}

inline mxd_error an_error(uint32_t http_status, std::string_view errcode) {
  mxd_error error{};
  error.size = sizeof error;
  error.http_status = http_status;
  error.retry_after_ms = -1;
  error.errcode = view(errcode);
  return error;
}

// The configuration with which all of them are asked, and no limit is met.
inline constexpr const char* kAsksAll = R"({"uia":{"grace_period_ms":1},"limits":{)"
                                        R"("uia_failures":{"burst":1000,"interval_ms":1},)"
                                        R"("uia_challenges":{"burst":1000,"interval_ms":1}}})";

}  // namespace mxd::test
