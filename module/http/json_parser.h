#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "module/http/json_limits.h"
#include "module/memory/arena.h"

namespace mxd::http {

// What is wrong with a text that should be JSON: of several faults the one that is met first while
// reading (P10).
enum class JsonFault {
  kNotJson,
  kTooDeep,
  kTooManyMembers,
  kKeyTwice,
  kHalfSurrogate,
  kHugeNumber,
};

// A value, or why there is none.
struct ParsedJson {
  boost::json::value* value = nullptr;
  JsonFault fault = {};  // without a value
};

// One JSON value, in the arena as long as that is not reset. Its strings are UTF-8, and no object
// in it was given a key twice. The members are counted while reading, before Boost.JSON hashes a
// key, so that no keys that a client chooses make reading slow (L3). @throws std::bad_alloc
ParsedJson parse_json(memory::Arena& arena, std::string_view text, JsonLimits limits);

// Allocates in the arena, and never frees.
boost::json::storage_ptr storage_in(memory::Arena& arena);

}  // namespace mxd::http
