#include "bindings/server/http/listen_address.h"

#include <absl/strings/numbers.h>

#include <boost/asio/ip/address.hpp>
#include <limits>

namespace mxd::server {
namespace {

constexpr std::string_view kUnix = "unix:";

}  // namespace

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    if (path.empty() || path.find('\0') != path.npos) return std::nullopt;
    return ListenAddress{{}, 0, std::string(path)};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(text.substr(0, colon));
  const std::string port_text(text.substr(colon + 1));

  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error || address.is_v6() != bracketed) return std::nullopt;

  uint32_t port = 0;
  const bool digits_only =
      !port_text.empty() && port_text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits_only || !absl::SimpleAtoi(port_text, &port) ||
      port > std::numeric_limits<uint16_t>::max()) {
    return std::nullopt;
  }
  return ListenAddress{address.to_string(), static_cast<uint16_t>(port), {}};
}

std::string to_string(const ListenAddress& address) {
  if (!address.path.empty()) return std::string(kUnix) + address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace mxd::server
