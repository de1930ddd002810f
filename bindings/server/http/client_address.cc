#include "bindings/server/http/client_address.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

namespace mxd::server {
namespace {

namespace ip = boost::asio::ip;

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

std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v4()) return address;
  ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  v6.scope_id(0);
  return v6;
}

ip::address_v6 as_v6(const ip::address& address) {
  return address.is_v6() ? address.to_v6() : ip::make_address_v6(ip::v4_mapped, address.to_v4());
}

constexpr unsigned kMappedBits = 96;  // before an IPv4 address in IPv6

}  // namespace

std::optional<std::string> normal_address(std::string_view text) {
  const auto address = parse_address(without_port(trimmed(text)));
  if (!address) return std::nullopt;
  return address->to_string();
}

std::string limited_network(std::string_view address) {
  const auto parsed = parse_address(address);
  if (!parsed) return std::string(address);
  if (parsed->is_v4()) return parsed->to_string();
  return ip::network_v6(parsed->to_v6(), 64).canonical().to_string();
}

std::optional<Network> Network::parse(std::string_view text) {
  if (text == "unix") return Network();
  const auto slash = text.find('/');
  boost::system::error_code error;
  const ip::address written = ip::make_address(std::string(text.substr(0, slash)), error);
  if (error || (written.is_v6() && written.to_v6().scope_id() != 0)) return std::nullopt;
  const unsigned width = written.is_v4() ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const char* const end = digits.data() + digits.size();
    const auto [rest, failure] = std::from_chars(digits.data(), end, bits);
    if (failure != std::errc() || rest != end || bits > width) return std::nullopt;
  }
  return Network(as_v6(written).to_bytes(), written.is_v4() ? kMappedBits + bits : bits);
}

bool Network::contains(std::string_view address) const {
  if (!bytes_) return address.empty();
  const auto parsed = parse_address(address);
  if (!parsed) return false;
  // "::/0" is all of IPv6, and nothing of IPv4.
  if (parsed->is_v4() && bits_ < kMappedBits) return false;
  const Bytes other = as_v6(*parsed).to_bytes();
  const size_t whole = bits_ / 8;
  if (!std::equal(bytes_->data(), bytes_->data() + whole, other.data())) return false;
  const unsigned rest = bits_ % 8;
  return rest == 0 || (((*bytes_)[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

bool TrustedProxies::trusts(std::string_view peer) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& network) { return network.contains(peer); });
}

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
      if (!address) return client;  // "unknown", or nonsense: nothing before it can be trusted
      client = *address;
      if (!trusts(client)) return client;
    }
  }
  return client;
}

}  // namespace mxd::server
