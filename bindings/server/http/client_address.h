// Which address a request came from, seen through reverse proxies that are trusted.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::server {

// An IP address in its one written form (IPv4 in IPv6 becomes IPv4; a zone is dropped), or nothing
// if `text` is none. A port after it is allowed: some proxies write one.
std::optional<std::string> normal_address(std::string_view text);

// Whose attempts are counted together: an IPv4 address, or the /64 of an IPv6 address, which is
// what one household gets. accounts.md, T5
std::string limited_network(std::string_view address);

// Addresses that begin with the same bits, or the peers on Unix sockets, which have none.
class Network {
 public:
  // "172.16.0.0/12", "fd00::/8", one address, or "unix". Bits after the prefix count for nothing:
  // "172.17.0.1/16" is the network of that address.
  static std::optional<Network> parse(std::string_view text);

  // `address` is in its normal form, or empty for the peer on a Unix socket.
  bool contains(std::string_view address) const;

 private:
  using Bytes = std::array<unsigned char, 16>;  // of IPv6, with IPv4 mapped into it

  Network() = default;
  Network(const Bytes& bytes, unsigned bits) : bytes_(bytes), bits_(bits) {}

  std::optional<Bytes> bytes_;  // none: Unix sockets
  unsigned bits_ = 0;
};

class TrustedProxies {
 public:
  explicit TrustedProxies(std::vector<Network> networks) : networks_(std::move(networks)) {}

  // The peer, unless it is trusted: then the right-most address of its X-Forwarded-For that is
  // not itself a trusted proxy's. What stands left of that was written by anybody.
  // `forwarded_for`: the header's lines in their order.
  std::string client(std::string_view peer,
                     const std::vector<std::string_view>& forwarded_for) const;

  bool trusts(std::string_view peer) const;

 private:
  const std::vector<Network> networks_;
};

}  // namespace mxd::server
