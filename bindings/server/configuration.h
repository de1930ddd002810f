// The file of --config: the server's settings and the module's configuration in one JSON object.
#pragma once

#include <string>
#include <string_view>

#include "bindings/server/settings.h"

namespace mxd::server {

struct Configuration {
  Settings settings;
  std::string module;  // JSON; the module checks it. unknown_fields is there: accounts.md, T13
};

// From text; an empty one is the defaults. Throws std::runtime_error with one line that names the
// key's path and says what is allowed.
Configuration parse_configuration(std::string_view json);

// From a file; without a path the defaults. The error names the file too.
Configuration read_configuration(const std::string& path);

}  // namespace mxd::server
