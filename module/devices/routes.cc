#include "module/devices/routes.h"

#include <algorithm>

namespace mxd::devices {

std::optional<Route> find_route(std::string_view path, const config::Config& config) noexcept {
  if (!path.starts_with(kClientPrefix)) return std::nullopt;
  path.remove_prefix(kClientPrefix.size());
  const auto slash = path.find('/');
  if (slash == path.npos) return std::nullopt;
  const auto version = path.substr(0, slash);
  const auto& versions = config.path_versions;
  if (std::find(versions.begin(), versions.end(), version) == versions.end()) return std::nullopt;
  path.remove_prefix(slash);

  if (path == "/devices") return Route{Endpoint::kDevices, {}};
  if (path == "/delete_devices") return Route{Endpoint::kDeleteDevices, {}};
  constexpr std::string_view kDevice = "/devices/";
  if (!path.starts_with(kDevice)) return std::nullopt;
  path.remove_prefix(kDevice.size());
  if (path.empty() || path.find('/') != path.npos) return std::nullopt;
  return Route{Endpoint::kDevice, path};
}

std::string_view allowed_methods(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kDevices:
      return "GET, HEAD, OPTIONS";
    case Endpoint::kDevice:
      return "GET, HEAD, PUT, DELETE, OPTIONS";
    case Endpoint::kDeleteDevices:
      break;
  }
  return "POST, OPTIONS";
}

std::string_view path_template(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kDevices:
      return "/devices";
    case Endpoint::kDevice:
      return "/devices/{deviceId}";
    case Endpoint::kDeleteDevices:
      break;
  }
  return "/delete_devices";
}

}  // namespace mxd::devices
