#include "module/devices/routes.h"

#include <algorithm>

namespace mxd::devices {
namespace {

// The one segment between two literal parts, or an empty text.
std::string_view segment_between(std::string_view path, std::string_view before,
                                 std::string_view after) noexcept {
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return {};
  }
  path = path.substr(before.size(), path.size() - before.size() - after.size());
  return path.find('/') == path.npos ? path : std::string_view();
}

}  // namespace

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
  if (const auto id = segment_between(path, "/devices/", ""); !id.empty()) {
    return Route{Endpoint::kDevice, id};
  }
  if (!config.fallback_pages) return std::nullopt;
  if (const auto type = segment_between(path, "/auth/", "/fallback/web"); !type.empty()) {
    return Route{Endpoint::kFallback, type};
  }
  return std::nullopt;
}

std::string_view allowed_methods(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kDevices:
      return "GET, HEAD, OPTIONS";
    case Endpoint::kDevice:
      return "GET, HEAD, PUT, DELETE, OPTIONS";
    case Endpoint::kDeleteDevices:
      return "POST, OPTIONS";
    case Endpoint::kFallback:
      break;
  }
  return "GET, HEAD, POST, OPTIONS";
}

std::string_view path_template(Endpoint endpoint) noexcept {
  switch (endpoint) {
    case Endpoint::kDevices:
      return "/devices";
    case Endpoint::kDevice:
      return "/devices/{deviceId}";
    case Endpoint::kDeleteDevices:
      return "/delete_devices";
    case Endpoint::kFallback:
      break;
  }
  return "/auth/{type}/fallback/web";
}

}  // namespace mxd::devices
