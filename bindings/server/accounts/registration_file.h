// Application service registrations: the specification's YAML.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/server/current.h"

namespace re2 {
class RE2;
}

namespace mxd::server {

struct UserNamespace {
  bool exclusive = false;
  std::string regex;
  std::shared_ptr<const re2::RE2> compiled;

  bool operator==(const UserNamespace& other) const {
    return exclusive == other.exclusive && regex == other.regex;
  }
};

struct Registration {
  std::string id;
  std::string as_token;  // a secret
  std::string sender_localpart;
  std::vector<UserNamespace> users;
  bool rate_limited = true;

  // Whether it may act as this user: its sender, or one in its namespaces.
  bool manages(std::string_view user_id, std::string_view server_name) const;

  bool operator==(const Registration&) const = default;
};

using CurrentRegistrations = Current<std::vector<Registration>>;

// Throws std::runtime_error with one line that names the file and the key, and quotes no token.
Registration read_registration(const std::string& path);

// The same from text; `path` is for messages.
Registration parse_registration(const std::string& yaml, const std::string& path);

}  // namespace mxd::server
