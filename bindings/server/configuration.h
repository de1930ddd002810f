// The file of --config: the server's settings and the module's configuration in one JSON object.
#pragma once

#include <string>
#include <string_view>

#include "bindings/server/settings.h"

namespace mxd::server {

struct Configuration {
  Settings settings;
  std::string
      module;  // JSON; the module checks it. With unknown_fields (accounts.md, T13) and server_name
};

// From text; an empty one is the defaults. `server_name` is for the module's pages. Throws
// std::runtime_error with one line that names the key's path and says what is allowed.
Configuration parse_configuration(std::string_view json, std::string_view server_name);

// From a file; without a path the defaults. The error names the file too.
Configuration read_configuration(const std::string& path, std::string_view server_name);

}  // namespace mxd::server
