#include "bindings/server/accounts/account_context.h"

#include <algorithm>
#include <boost/json.hpp>

#include "bindings/server/operation/json_log.h"
#include "bindings/server/utf8.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

// T12
Response too_many_devices(const Settings::Devices& settings) {
  json::object info;
  if (!settings.user_limit_info_uri.empty()) info["info_uri"] = settings.user_limit_info_uri;
  return error_response(403, "M_USER_LIMIT_EXCEEDED",
                        "This user has as many devices as are allowed. Delete some first.",
                        std::move(info));
}

}  // namespace

const Registration* AccountContext::service(std::string_view as_token) const {
  const std::string_view id = store.find_service(as_token);
  if (id.empty()) return nullptr;
  const std::vector<Registration>& current = services.get();
  const auto found = std::find_if(current.begin(), current.end(),
                                  [&](const Registration& r) { return r.id == id; });
  return found == current.end() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(std::string_view key) {
  const json::value* const value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    refuse(key, "a string");
    return std::nullopt;
  }
  return std::string(std::string_view(value->get_string()));
}

bool Fields::flag(std::string_view key) {
  const json::value* const value = find(key);
  if (value == nullptr) return false;
  if (!value->is_bool()) {
    refuse(key, "true or false");
    return false;
  }
  return value->get_bool();
}

const json::object* Fields::object(std::string_view key) {
  const json::value* const value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    refuse(key, "an object");
    return nullptr;
  }
  return &value->get_object();
}

const json::value* Fields::find(std::string_view key) const {
  const json::value* const value = body_.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::refuse(std::string_view key, std::string_view wanted) {
  if (refusal) return;
  refusal = error_response(400, "M_BAD_JSON",
                           "\"" + std::string(key) + "\" must be " + std::string(wanted) + ".");
}

DeviceWish device_wish(Fields& fields, const Settings::Devices& settings) {
  DeviceWish wish;
  wish.device_id = fields.text("device_id").value_or("");
  const std::string name = fields.text("initial_device_display_name").value_or("");
  wish.display_name = first_code_points(name, settings.max_display_name_length);
  wish.refresh_token = fields.flag("refresh_token");
  if (!fields.refusal && name.find('\0') != std::string::npos) {
    fields.refusal = error_response(400, "M_INVALID_PARAM",
                                    "\"initial_device_display_name\" can't hold U+0000.");
  }
  return wish;
}

Response log_in(const AccountContext& context, const std::string& name, const DeviceWish& wish) {
  auto login = make<mxd_store_login>();
  login.flags = wish.refresh_token ? MXD_STORE_LOGIN_REFRESHABLE : 0;
  login.lifetime_ms = -1;
  login.name = view(name);
  login.device_id = view(wish.device_id);
  login.initial_device_display_name = view(wish.display_name);
  login.max_devices = static_cast<int64_t>(context.settings->devices.max_devices_per_user);
  auto tokens = make<mxd_store_tokens>();
  const Store::Said said = context.store.call(&mxd_store_library::login, &login, &tokens);
  switch (said.status) {
    case MXD_OK:
      break;
    case MXD_NOT_FOUND:
      return error_response(403, "M_FORBIDDEN", "There is no such account.");
    case MXD_FORBIDDEN:
      return error_response(403, "M_USER_DEACTIVATED", "This account has been deactivated.");
    case MXD_USER_LOCKED:
      return locked_response();
    case MXD_LIMIT_EXCEEDED:
      return too_many_devices(context.settings->devices);
    case MXD_INVALID_ARGUMENT:
      return error_response(400, "M_INVALID_PARAM", said.text.data());
    default:
      return store_failure(said.status, said.text.data());
  }
  json::object body{
      {"user_id", tokens.user_id},
      {"home_server", context.server_name},
      {"device_id", tokens.device_id},
      {"access_token", tokens.access_token},
  };
  if (tokens.refresh_token[0] != '\0') body["refresh_token"] = tokens.refresh_token;
  if (tokens.expires_in_ms >= 0) body["expires_in_ms"] = tokens.expires_in_ms;
  return json_response(200, body);
}

Response unknown_token_response(bool soft_logout) {
  return error_response(
      401, "M_UNKNOWN_TOKEN",
      soft_logout ? "The token has expired. Refresh it, or log in again on the same device."
                  : "The token is not known here. Log in again.",
      {{"soft_logout", soft_logout}});
}

Response locked_response() {
  return error_response(401, "M_USER_LOCKED",
                        "This account is locked. Ask the server's administrator.",
                        {{"soft_logout", true}});
}

Response store_failure(int32_t status, std::string_view cause) {
  log_message(MXD_LOG_ERROR, "store: status " + std::to_string(status) + ": " + std::string(cause));
  if (status == MXD_UNAVAILABLE || status == MXD_NO_MEMORY) return busy_response();
  if (status == MXD_TIMEOUT) {
    return error_response(504, "M_UNKNOWN", "The server took too long. Send the request again.");
  }
  return error_response(500, "M_UNKNOWN", "Something went wrong on the server.");
}

}  // namespace mxd::server
