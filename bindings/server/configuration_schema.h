#pragma once

#include <string>

namespace mxd::server {

// The JSON schema (draft 2020-12) of the file of --config, indented: of the settings of the server
// and of the module of this version, whatever module is loaded.
std::string configuration_schema();

}  // namespace mxd::server
