#pragma once

#include <compare>
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
  auto operator<=>(const DeviceId&) const = default;
};

/// A secret. It has no text of its own accord: whoever needs it says so.
class AccessToken {
 public:
  AccessToken() = default;
  explicit AccessToken(std::string_view secret) : secret_(secret) {}
  std::string_view reveal() const noexcept { return secret_; }

 private:
  std::string_view secret_;
};

inline constexpr std::size_t kMaxIdBytes = 255;

}  // namespace mxd::host
