#pragma once

#include <string>
#include <string_view>

#include "abi/config/settings.h"

namespace mxd::config {

// Reads a JSON object; an empty text is the defaults. False: `error` is one line that names the
// key's path and says what is allowed. @throws std::bad_alloc
bool parse(std::string_view json, Config& config, std::string& error);

}  // namespace mxd::config
