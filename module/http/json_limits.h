#pragma once

#include <cstddef>

namespace mxd::http {

// How large JSON may be in what its text's length does not say. L3
struct JsonLimits {
  size_t depth = 32;     // the outermost value is 1
  size_t members = 128;  // of one object
};

}  // namespace mxd::http
