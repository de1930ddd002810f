#pragma once

#include <cstddef>
#include <string_view>

namespace mxd::host {

/// "@alice:example.org"
struct UserId {
  std::string_view text;
  bool operator==(const UserId&) const = default;
};

/// Opaque, 1 to 255 bytes; or empty for none.
struct DeviceId {
  std::string_view text;
  bool operator==(const DeviceId&) const = default;
};

inline constexpr std::size_t kMaxIdBytes = 255;

}  // namespace mxd::host
