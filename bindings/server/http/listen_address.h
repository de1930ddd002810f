// Where to listen: "127.0.0.1:8008", "[::1]:0", "unix:/run/matrix-devices/http.sock".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mxd::server {

struct ListenAddress {
  std::string host;  // an IPv4 or IPv6 address, without brackets
  uint16_t port = 0;
  std::string path{};  // of a Unix socket; then there is neither host nor port
};

// Nothing if `text` is neither ADDRESS:PORT nor unix:PATH. Host names are not resolved: what is
// bound should be what was written.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// As it stands in a URL: "127.0.0.1:8008", "[::1]:8008"; or "unix:PATH".
std::string to_string(const ListenAddress& address);

}  // namespace mxd::server
