#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <string_view>

#include "module/memory/arena.h"

namespace mxd::http {

using Digest = std::array<char, 32>;

// SHA-256 over the parsed object: the order of keys, white space and escapes make no difference,
// anything else does. @throws std::bad_alloc
Digest digest(memory::Arena& arena, const boost::json::object& object);

// SHA-256 of a text, in lower-case hexadecimal, in the arena. @throws std::bad_alloc
std::string_view digest_text(memory::Arena& arena, std::string_view text);

}  // namespace mxd::http
