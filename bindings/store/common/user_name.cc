#include "bindings/store/common/user_name.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <algorithm>

#include "bindings/store/common/ids.h"

namespace mxd::store {

std::optional<UserName> read_user_name(std::string_view typed, std::string_view server_name) {
  if (typed.starts_with('@')) typed.remove_prefix(1);
  const auto colon = typed.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view server = typed.substr(colon + 1);
    if (!absl::EqualsIgnoreCase({server.data(), server.size()},
                                {server_name.data(), server_name.size()})) {
      return std::nullopt;
    }
  }
  const std::string localpart(typed.substr(0, colon));
  if (!is_historical_localpart(localpart) ||
      localpart.size() + server_name.size() + 2 > kMaxIdBytes) {
    return std::nullopt;
  }
  const std::string tail = ":" + std::string(server_name);
  return UserName{"@" + localpart + tail, "@" + absl::AsciiStrToLower(localpart) + tail};
}

bool is_valid_localpart(std::string_view localpart) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789._=-/+";
  return !localpart.empty() && localpart.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_historical_localpart(std::string_view localpart) {
  return !localpart.empty() && std::all_of(localpart.begin(), localpart.end(),
                                           [](char c) { return c >= '!' && c <= '~' && c != ':'; });
}

std::string_view localpart_of(std::string_view user_id) {
  return user_id.substr(1, user_id.find(':') - 1);
}

}  // namespace mxd::store
