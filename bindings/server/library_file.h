// Where the libraries are that this program loads.
#pragma once

#include <string>

namespace mxd::server {

// The file to give to dlopen(): `wanted`, unless it is empty; else `file` beside this program, or
// where it is installed. Throws std::runtime_error, which names `option`.
std::string find_library(const std::string& wanted, const std::string& file,
                         const std::string& option);

}  // namespace mxd::server
