// Text from clients, by code points.
#pragma once

#include <cstddef>
#include <string_view>

namespace mxd::server {

bool is_utf8(std::string_view text);

// The first `count` code points of UTF-8, or all of it.
std::string_view first_code_points(std::string_view utf8, size_t count);

}  // namespace mxd::server
