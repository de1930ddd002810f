#include "bindings/server/configuration.h"

#include <boost/json.hpp>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings/common/json_reader.h"
#include "bindings/server/duration.h"
#include "bindings/server/settings_list.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

// Reads the members of one object, and refuses the first that is wrong and those that nobody has
// asked for: a visitor of the settings.
class Members {
 public:
  Members(const json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  void boolean(std::string_view name, bool& out, const char*) {
    const json::value* const value = take(name);
    if (value == nullptr) return;
    if (!value->is_bool()) refuse(name, "must be true or false");
    out = value->get_bool();
  }

  template <class Integer>
  void integer(std::string_view name, Integer& out, int64_t least, int64_t most, const char*) {
    const json::value* const value = take(name);
    if (value == nullptr) return;
    if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most) {
      refuse(name, "must be a whole number from " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    out = static_cast<Integer>(value->get_int64());
  }

  void text(std::string_view name, std::string& out, const char*) {
    const json::value* const value = take(name);
    if (value == nullptr) return;
    if (!value->is_string()) refuse(name, "must be a string");
    out = std::string_view(value->get_string());
  }

  void duration(std::string_view name, std::chrono::milliseconds& out, const char*) {
    const json::value* const value = take(name);
    if (value == nullptr) return;
    const auto parsed =
        value->is_string() ? parse_duration(json::value_to<std::string>(*value)) : std::nullopt;
    if (!parsed) refuse(name, R"(must be a duration such as "90s", "30m" or "365d")");
    out = *parsed;
  }

  void object(std::string_view name, const char*, const std::function<void(Members&)>& read) {
    const json::value* const value = take(name);
    if (value == nullptr) return;
    if (!value->is_object()) refuse(name, "must be an object");
    Members inner(value->get_object(), path_of(name));
    read(inner);
    inner.refuse_unknown();
  }

  void limit(std::string_view name, LimitSetting& out, const char* description) {
    object(name, description, [&out](Members& members) {
      int64_t interval_ms = out.interval.count();
      config::visit_bucket(members, out.burst, interval_ms);
      out.interval = std::chrono::milliseconds(interval_ms);
    });
  }

 private:
  const json::value* take(std::string_view name) {
    known_.push_back(name);
    return object_.if_contains(json::string_view(name.data(), name.size()));
  }

  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }

  [[noreturn]] void refuse(std::string_view name, const std::string& rule) const {
    // Quoted as JSON: a key may hold anything, and this is one line.
    throw std::runtime_error("configuration: " + json::serialize(json::value(path_of(name))) + " " +
                             rule);
  }

  void refuse_unknown() const {
    for (const auto& member : object_) {
      const std::string_view name = member.key();
      std::string allowed;
      bool is_known = false;
      for (const std::string_view candidate : known_) {
        is_known = is_known || candidate == name;
        allowed += (allowed.empty() ? "" : ", ") + std::string(candidate);
      }
      if (!is_known) refuse(name, "is not a known key; known here: " + allowed);
    }
  }

  const json::object& object_;
  std::string path_;
  std::vector<std::string_view> known_;
};

// What of the module's configuration counts for the account endpoints too. Whatever is wrong with
// it, the module refuses it, with the reason.
void read(const json::object& module, Settings::Devices& devices) {
  const auto number = [&](json::string_view name, uint64_t& out) {
    const json::value* const value = module.if_contains(name);
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
      out = static_cast<uint64_t>(value->get_int64());
    }
  };
  const auto boolean = [&](json::string_view name, bool& out) {
    const json::value* const value = module.if_contains(name);
    if (value != nullptr && value->is_bool()) out = value->get_bool();
  };
  boolean("allow_query_token", devices.allow_query_token);
  boolean("device_id_alias", devices.device_id_alias);
  number("max_display_name_length", devices.max_display_name_length);
  number("max_devices_per_user", devices.max_devices_per_user);
  const json::value* const uri = module.if_contains("user_limit_info_uri");
  if (uri != nullptr && uri->is_string())
    devices.user_limit_info_uri = std::string_view(uri->get_string());
}

}  // namespace

Configuration parse_configuration(std::string_view text, std::string_view server_name) {
  json::object members;
  if (text.find_first_not_of(" \t\r\n") != text.npos) {
    common::ReadObject read = common::read_json_object(text);
    if (read.fault == common::JsonFault::kKeyTwice) {
      throw std::runtime_error("configuration: a key is given twice in one object; give it once");
    }
    if (read.fault) {
      throw std::runtime_error(
          "configuration: not a JSON object; an empty text gives the defaults");
    }
    members = std::move(read.object);
  }
  Configuration configuration;
  // Known here are "server" and whatever the module knows: it refuses the rest.
  Members(members, "").object("server", kServerDescription, [&](Members& server) {
    visit_settings(server, configuration.settings);
  });
  members.stable_erase("server");
  // Unless they are there:
  members.emplace("unknown_fields", kUnknownFields);
  members.emplace("server_name", json::string_view(server_name.data(), server_name.size()));
  read(members, configuration.settings.devices);
  configuration.module = json::serialize(members);
  return configuration;
}

Configuration read_configuration(const std::string& path, std::string_view server_name) {
  if (path.empty()) return parse_configuration({}, server_name);
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw std::runtime_error("configuration file " + path + ": cannot be read");
  }
  try {
    return parse_configuration(text.str(), server_name);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("configuration file " + path + ": " + error.what());
  }
}

}  // namespace mxd::server
