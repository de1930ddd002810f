#include "server/client_address.h"

#include <boost/asio/ip/address.hpp>

namespace mxd::server {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhite = " \t";
  const auto first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

// "[::1]:443" and "192.0.2.1:443" without their ports.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
  }
  const auto colon = text.find(':');
  const bool one_colon = colon != std::string_view::npos && text.rfind(':') == colon;
  return one_colon ? text.substr(0, colon) : text;
}

}  // namespace

std::optional<std::string> normal_address(std::string_view text) {
  namespace ip = boost::asio::ip;
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(without_port(trimmed(text))), error);
  if (error) return std::nullopt;
  if (address.is_v4()) return address.to_string();
  ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6).to_string();
  v6.scope_id(0);
  return v6.to_string();
}

TrustedProxies::TrustedProxies(const std::vector<std::string>& addresses)
    : trusted_(addresses.begin(), addresses.end()) {}

std::string TrustedProxies::client(std::string_view peer,
                                   const std::vector<std::string_view>& forwarded_for) const {
  std::string client(peer);
  if (!trusts(client)) return client;
  for (auto line = forwarded_for.rbegin(); line != forwarded_for.rend(); ++line) {
    std::string_view rest = *line;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const std::string_view entry =
          comma == std::string_view::npos ? rest : rest.substr(comma + 1);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      const auto address = normal_address(entry);
      if (!address) return client;  // "unknown", or nonsense: nothing behind it can be trusted
      client = *address;
      if (!trusts(client)) return client;
    }
  }
  return client;
}

}  // namespace mxd::server
