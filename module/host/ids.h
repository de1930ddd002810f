#pragma once

#include <cstddef>
#include <string_view>

namespace mxd::host {

// "@alice:example.org"
struct UserId {
  std::string_view text;
  bool operator==(const UserId&) const = default;
};

// Opaque, 1 to 255 bytes; or empty for none.
struct DeviceId {
  std::string_view text;
  bool operator==(const DeviceId&) const = default;
};

inline constexpr size_t kMaxIdBytes = 255;

// Whether a text can be the ID of anything that the host keeps. R10, U9
inline bool is_possible_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kMaxIdBytes && id.find('\0') == id.npos;
}

}  // namespace mxd::host
