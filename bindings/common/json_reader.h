// The JSON reader of the host's side, for every text that a client had a hand in. The module has
// its own, module/http/json_parser.h; tests/json/texts.json says for both what is read as what.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <cstddef>
#include <optional>
#include <string_view>

namespace mxd::common {

struct JsonLimits {
  size_t depth = 32;     // the outermost value is 1; L3
  size_t members = 128;  // of one object; L3
};

// What is wrong with a text that should be a JSON object: what is met first while reading (P10).
enum class JsonFault {
  kNotJson,         // not JSON, not UTF-8, empty
  kTooDeep,         // deeper than JsonLimits::depth
  kTooManyMembers,  // an object has more than JsonLimits::members
  kKeyTwice,        // an object gives a key twice, written alike or not
  kHalfSurrogate,   // a string escapes half a surrogate pair
  kHugeNumber,      // a number that nothing holds
  kNotAnObject,     // JSON, but the outermost value is something else
};

struct ReadObject {
  boost::json::object object;      // empty with a fault
  std::optional<JsonFault> fault;  // nothing: the text is the object
};

// Reads a whole text; its strings are then UTF-8. The members are counted while reading, before
// Boost.JSON hashes a key, so that no keys that a client chooses make reading slow. The object, and
// all that is needed meanwhile for values, comes from `storage`, which must outlive it.
// Throws std::bad_alloc only. [any-thread]
ReadObject read_json_object(std::string_view text, const boost::json::storage_ptr& storage = {},
                            JsonLimits limits = {});

// M_NOT_JSON or M_BAD_JSON.
std::string_view errcode(JsonFault fault) noexcept;

// In words for a client's developer: what is wrong, and what would be right.
std::string_view explain(JsonFault fault) noexcept;

}  // namespace mxd::common
