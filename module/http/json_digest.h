#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "module/memory/arena.h"

namespace mxd::http {

// SHA-256 over the parsed object, in lower-case hexadecimal, in the arena: the order of keys, white
// space and escapes make no difference, anything else does. Sessions keep it, and other versions
// and machines compare it: how it is made is frozen. @throws std::bad_alloc
std::string_view digest(memory::Arena& arena, const boost::json::object& object);

// SHA-256 of a text, likewise. @throws std::bad_alloc
std::string_view digest_text(memory::Arena& arena, std::string_view text);

}  // namespace mxd::http
