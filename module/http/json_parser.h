#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "module/async/arena.h"

namespace mxd::http {

inline constexpr std::size_t kMaxJsonDepth = 32;  // unless configured; the outermost value is 1

/// What is wrong with a text that should be JSON.
enum class JsonFault { kNotJson, kTooDeep, kHalfSurrogate, kHugeNumber, kKeyTwice };

/// A value, or why there is none.
struct ParsedJson {
  boost::json::value* value = nullptr;
  JsonFault fault = {};  // without a value
};

/// One JSON value, in the arena as long as that is not reset. Its strings are UTF-8, and no object
/// in it was given a key twice. @throws std::bad_alloc
ParsedJson parse_json(async::Arena& arena, std::string_view text, std::size_t max_depth);

/// Allocates in the arena, and never frees.
boost::json::storage_ptr storage_in(async::Arena& arena);

}  // namespace mxd::http
