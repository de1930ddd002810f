#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "module/http/api_error.h"
#include "module/http/json_parser.h"
#include "module/memory/arena.h"

namespace mxd::http {

enum class EmptyBody { kRefused, kIsEmptyObject };

// A request's body as a JSON object, with all the checks of row P10. With kIsEmptyObject no body,
// white space and `null` stand for `{}` (D5). The object lives in the arena, and its strings are
// UTF-8. @throws std::bad_alloc
Result<boost::json::object*> parse_object(memory::Arena& arena, std::string_view body,
                                          EmptyBody empty, JsonLimits limits = {});

// A value as JSON text, in the arena. @throws std::bad_alloc
std::string_view serialize(memory::Arena& arena, const boost::json::object& object);

// The string under `name`: none if there is none or `null`. `wrong_type` is set if it is there
// and something else.
std::optional<std::string_view> find_string(const boost::json::object& object,
                                            std::string_view name, bool& wrong_type);

// The one JSON object that a text is, in the arena; null if it is none. Its members without the
// braces go to `members`. @throws std::bad_alloc
const boost::json::object* read_object(memory::Arena& arena, std::string_view json,
                                       std::string_view& members);

}  // namespace mxd::http
