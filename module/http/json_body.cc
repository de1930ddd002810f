#include "module/http/json_body.h"

#include <algorithm>
#include <boost/json/serializer.hpp>

namespace mxd::http {
namespace {

namespace json = boost::json;

constexpr ApiError kNotJson{400, "M_NOT_JSON",
                            "The request body is not JSON in UTF-8. Send a JSON object."};
constexpr ApiError kNoBody{400, "M_NOT_JSON", "The request has no body. Send a JSON object."};
constexpr ApiError kNotAnObject{400, "M_BAD_JSON",
                                "The request body is JSON, but not an object. Send {...}."};
constexpr ApiError kTooDeep{400, "M_BAD_JSON",
                            "The request body is nested too deep. Send it flatter."};
constexpr ApiError kTooManyMembers{
    400, "M_BAD_JSON", "The request body has an object with too many members. Send fewer."};
constexpr ApiError kHalfSurrogate{
    400, "M_BAD_JSON", "The request body escapes half a surrogate pair. Escape both halves."};
constexpr ApiError kHugeNumber{400, "M_BAD_JSON",
                               "The request body holds a number that is out of range."};
constexpr ApiError kKeyTwice{400, "M_BAD_JSON",
                             "The request body gives a key twice in one object. Give it once."};

const ApiError* describe(JsonFault fault) {
  switch (fault) {
    case JsonFault::kTooDeep:
      return &kTooDeep;
    case JsonFault::kTooManyMembers:
      return &kTooManyMembers;
    case JsonFault::kHalfSurrogate:
      return &kHalfSurrogate;
    case JsonFault::kHugeNumber:
      return &kHugeNumber;
    case JsonFault::kKeyTwice:
      return &kKeyTwice;
    case JsonFault::kNotJson:
      break;
  }
  return &kNotJson;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

}  // namespace

Result<json::object*> parse_object(memory::Arena& arena, std::string_view body, EmptyBody empty,
                                   JsonLimits limits) {
  if (is_blank(body)) {
    if (empty == EmptyBody::kRefused) return &kNoBody;
    body = "{}";
  }
  const auto parsed = parse_json(arena, body, limits);  // L3
  if (parsed.value == nullptr) return describe(parsed.fault);
  json::value& value = *parsed.value;
  if (value.is_null() && empty == EmptyBody::kIsEmptyObject) value.emplace_object();  // D5
  if (!value.is_object()) return &kNotAnObject;
  return &value.get_object();
}

std::string_view serialize(memory::Arena& arena, const json::object& object) {
  json::serializer serializer;
  serializer.reset(&object);
  size_t room = 1024;
  char* out = arena.make_array<char>(room);
  size_t size = 0;
  while (!serializer.done()) {
    if (size == room) {
      char* const larger = arena.make_array<char>(2 * room);
      std::copy(out, out + size, larger);
      out = larger;
      room *= 2;
    }
    size += serializer.read(out + size, room - size).size();
  }
  return {out, size};
}

std::optional<std::string_view> find_string(const json::object& object, std::string_view name,
                                            bool& wrong_type) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) {
    wrong_type = true;
    return std::nullopt;
  }
  return std::string_view(value->get_string());
}

const json::object* read_object(memory::Arena& arena, std::string_view text,
                                std::string_view& members) {
  const auto parsed = parse_json(arena, text, JsonLimits());
  if (parsed.value == nullptr || !parsed.value->is_object()) return nullptr;
  const auto first = text.find('{') + 1;
  members = text.substr(first, text.rfind('}') - first);
  if (is_blank(members)) members = {};
  return &parsed.value->get_object();
}

}  // namespace mxd::http
