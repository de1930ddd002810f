#include "bindings/store/common/server_name.h"

namespace mxd::store {
namespace {

bool consists_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

// T10: the specification, appendices, "Server Name", with the length that leaves room for a
// localpart.
bool is_valid_server_name(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kAddress = "0123456789abcdefABCDEF:.";
  constexpr std::string_view kHostName =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  constexpr size_t kMaxBytes = 230;
  if (name.empty() || name.size() > kMaxBytes) return false;
  const size_t bracket = name.front() == '[' ? name.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  const size_t colon = name.find(':', bracket);
  const std::string_view host = name.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = name.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !consists_of(port, kDigits)) return false;
  }
  if (host.empty() || host.front() != '[') return !host.empty() && consists_of(host, kHostName);
  constexpr size_t kLeast = 2, kMost = 45;
  const std::string_view address = host.substr(1, bracket - 1);
  return host.size() == bracket + 1 && address.size() >= kLeast && address.size() <= kMost &&
         consists_of(address, kAddress);
}

}  // namespace

Outcome settle_server_name(std::string_view kept, std::string& server_name) {
  if (kept.empty()) {
    if (server_name.empty()) {
      return {MXD_INVALID_ARGUMENT,
              "the database has no server name yet: give one, or start the server first"};
    }
    if (!is_valid_server_name(server_name)) {
      return {
          MXD_INVALID_ARGUMENT,
          "the server name is not valid: give a host name or an address, and a port if there is "
          "one, like example.org:8448"};
    }
    return {};
  }
  if (!server_name.empty() && server_name != kept) {
    return {MXD_INVALID_ARGUMENT,
            "the database belongs to the server " + std::string(kept) + ", not to " + server_name};
  }
  server_name = kept;
  return {};
}

}  // namespace mxd::store
