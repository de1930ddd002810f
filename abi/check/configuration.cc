#include "abi/check/configuration.h"

#include <boost/json.hpp>
#include <utility>

namespace mxd::check {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& check, const std::string& pointer) {
  json::error_code error;
  return check.find_pointer(pointer, error);
}

// The first text that a user must have and has not, as a JSON pointer; empty: none.
std::string missing_text(const json::value& check) {
  for (const std::string user : {"/users/0", "/users/1"}) {
    for (const char* name :
         {"/user_id", "/device_id", "/token", "/spares/0/device_id", "/spares/0/token",
          "/spares/1/device_id", "/spares/1/token", "/spares/2/device_id", "/spares/2/token"}) {
      const json::value* const value = find(check, user + name);
      if (value == nullptr || !value->is_string() || value->get_string().empty()) {
        return user + name;
      }
    }
  }
  return {};
}

bool are_stages(const json::value& stages) {
  if (!stages.is_object()) return false;
  for (const auto& stage : stages.get_object()) {
    for (const char* which : {"/right", "/wrong"}) {
      const json::value* const data = find(stage.value(), which);
      if (data == nullptr || !data->is_object()) return false;
    }
  }
  return true;
}

std::string fault_of(const json::value& check) {
  constexpr int64_t kMaxParallel = 1'000;
  const json::value* const disposable = find(check, "/disposable");
  if (disposable == nullptr || !disposable->is_bool() || !disposable->get_bool()) {
    return "set check.disposable to true: checking deletes devices, and what is there may be lost";
  }
  const std::string missing = missing_text(check);
  if (!missing.empty()) return "set check" + missing + " to a text";
  const json::value* const parallel = find(check, "/parallel");
  if (parallel != nullptr && (!parallel->is_int64() || parallel->get_int64() < 2 ||
                              parallel->get_int64() > kMaxParallel)) {
    return "set check/parallel to a whole number from 2 to 1000";
  }
  const json::value* const stages = find(check, "/stages");
  if (stages != nullptr && !are_stages(*stages)) {
    return R"(set check/stages to {"TYPE": {"right": {…}, "wrong": {…}}, …})";
  }
  return {};
}

}  // namespace

ReadConfiguration read_configuration(std::string_view text) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return {{}, false, "the configuration is not a JSON object"};
  json::value* const check = value.get_object().if_contains("check");
  if (check == nullptr || !check->is_object()) {
    return {{}, false, "set `check` in the configuration: this is the module that checks its host"};
  }
  std::string fault = fault_of(*check);
  const json::value* const grace = find(value, "/uia/grace_period_ms");
  const bool has_grace_period = grace != nullptr && grace->is_int64() && grace->get_int64() > 0;
  return {std::move(*check), has_grace_period, std::move(fault)};
}

}  // namespace mxd::check
