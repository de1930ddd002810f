// Where to listen: "127.0.0.1:8008", "[::1]:0".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mxd::server {

struct ListenAddress {
  std::string host;  // an IPv4 or IPv6 address, without brackets
  std::uint16_t port = 0;
};

// Nothing if `text` is not ADDRESS:PORT. Host names are not resolved: what is bound should be what
// was written.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// As it stands in a URL: "127.0.0.1:8008", "[::1]:8008".
std::string to_string(const ListenAddress& address);

}  // namespace mxd::server
