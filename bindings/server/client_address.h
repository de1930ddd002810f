// Which address a request came from, seen through reverse proxies that are trusted.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::server {

// An IP address in its one written form (IPv4 in IPv6 becomes IPv4; a zone is dropped), or nothing
// if `text` is none. A port behind it is allowed: some proxies write one.
std::optional<std::string> normal_address(std::string_view text);

class TrustedProxies {
 public:
  // `addresses` are in their normal form.
  explicit TrustedProxies(const std::vector<std::string>& addresses);

  // The peer, unless it is trusted: then the right-most address of its X-Forwarded-For that is
  // not itself a trusted proxy's. What stands left of that was written by anybody.
  // `forwarded_for`: the header's lines in their order.
  std::string client(std::string_view peer,
                     const std::vector<std::string_view>& forwarded_for) const;

  bool trusts(const std::string& peer) const { return trusted_.contains(peer); }

 private:
  absl::flat_hash_set<std::string> trusted_;
};

}  // namespace mxd::server
