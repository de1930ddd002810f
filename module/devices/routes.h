#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "module/config/config.h"

namespace mxd::devices {

enum class Endpoint { kDevices, kDevice, kDeleteDevices, kFallback };

// Where a path leads: rows R1 to R4, and F1 where it is turned on.
struct Route {
  Endpoint endpoint;
  std::string_view segment;  // {deviceId} of kDevice, {type} of kFallback; not decoded
};

// None: not ours (R8).
std::optional<Route> find_route(std::string_view path, const config::Config& config) noexcept;

// The methods of an endpoint, as in an Allow header (R7).
std::string_view allowed_methods(Endpoint endpoint) noexcept;

// The path behind the version, with {deviceId} where one is.
std::string_view path_template(Endpoint endpoint) noexcept;

inline constexpr Endpoint kEndpoints[] = {Endpoint::kDevices, Endpoint::kDevice,
                                          Endpoint::kDeleteDevices, Endpoint::kFallback};
inline constexpr std::string_view kClientPrefix = "/_matrix/client/";

}  // namespace mxd::devices
