#include "module/http/json_body.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/value_stack.hpp>
#include <new>

namespace mxd::http {
namespace {

namespace json = boost::json;
using boost::json::error_code;

class ArenaResource final : public json::memory_resource {
 public:
  explicit ArenaResource(async::Arena& arena) : arena_(arena) {}

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    return arena_.allocate(size, alignment);
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  async::Arena& arena_;
};

/// Builds a value as Boost.JSON's own parser does, and counts the keys as they come: the finished
/// objects hold fewer of them if one was given twice.
struct Builder {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  explicit Builder(const json::storage_ptr& storage) : stack(storage) { stack.reset(storage); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t count, error_code&) {
    keys += count;
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view text, std::size_t, error_code&) {
    stack.push_chars(text);
    return true;
  }
  bool on_key(json::string_view text, std::size_t, error_code&) {
    stack.push_key(text);
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, error_code&) {
    stack.push_chars(text);
    return true;
  }
  bool on_string(json::string_view text, std::size_t, error_code&) {
    stack.push_string(text);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, error_code&) {
    stack.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, error_code&) {
    stack.push_uint64(value);
    return true;
  }
  bool on_double(double value, json::string_view, error_code&) {
    stack.push_double(value);
    return true;
  }
  bool on_bool(bool value, error_code&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

  json::value_stack stack;
  std::size_t keys = 0;
};

/// The keys of a value and of all values in it; as deep as the parser allows.
std::size_t count_keys(const json::value& value) {
  std::size_t keys = 0;
  if (const auto* object = value.if_object()) {
    keys = object->size();
    for (const auto& member : *object)
      keys += count_keys(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array)
      keys += count_keys(element);
  }
  return keys;
}

constexpr ApiError kNotJson{400, "M_NOT_JSON",
                            "The request body is not JSON in UTF-8. Send a JSON object."};
constexpr ApiError kNoBody{400, "M_NOT_JSON", "The request has no body. Send a JSON object."};
constexpr ApiError kNotAnObject{400, "M_BAD_JSON",
                                "The request body is JSON, but not an object. Send {...}."};
constexpr ApiError kTooDeep{400, "M_BAD_JSON",
                            "The request body is nested too deep. Send it flatter."};
constexpr ApiError kHalfSurrogate{
    400, "M_BAD_JSON", "The request body escapes half a surrogate pair. Escape both halves."};
constexpr ApiError kHugeNumber{400, "M_BAD_JSON",
                               "The request body holds a number that is out of range."};
constexpr ApiError kKeyTwice{400, "M_BAD_JSON",
                             "The request body gives a key twice in one object. Give it once."};

/// Whether a text ends behind the first half of an escaped surrogate pair, or behind that and a
/// backslash: the parser, which wants the second half there, calls anything else a syntax error.
bool ends_in_half_a_pair(std::string_view text) {
  if (text.ends_with('\\')) text.remove_suffix(1);
  constexpr std::size_t kEscape = 6;  // \uD800 to \uDBFF
  if (text.size() < kEscape) return false;
  const std::string_view escape = text.substr(text.size() - kEscape);
  const bool leads = escape.starts_with("\\u") && (escape[2] == 'd' || escape[2] == 'D') &&
                     std::string_view("89abAB").find(escape[3]) != std::string_view::npos;
  text.remove_suffix(kEscape);
  const std::size_t backslashes = text.size() - (text.find_last_not_of('\\') + 1);
  return leads && backslashes % 2 == 0;  // else the escape is of a backslash
}

/// `read` is the text in front of the error.
const ApiError* describe(const error_code& error, std::string_view read) {
  if (error == json::error::too_deep) return &kTooDeep;
  if (error == json::error::illegal_leading_surrogate ||
      error == json::error::illegal_trailing_surrogate ||
      error == json::error::expected_utf16_escape ||
      (error == json::error::syntax && ends_in_half_a_pair(read))) {
    return &kHalfSurrogate;
  }
  if (error == json::error::exponent_overflow) return &kHugeNumber;
  return &kNotJson;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

/// @throws std::bad_alloc
Result<json::value*> parse(async::Arena& arena, std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Builder> parser(options, storage_in(arena));
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) return describe(error, text.substr(0, used));
  Builder& builder = parser.handler();
  // Never destroyed: all that it holds is the arena's.
  auto* value = new (arena.allocate(sizeof(json::value), alignof(json::value)))
      json::value(builder.stack.release());
  if (count_keys(*value) != builder.keys) return &kKeyTwice;
  return value;
}

}  // namespace

json::storage_ptr storage_in(async::Arena& arena) {
  return new (arena.allocate(sizeof(ArenaResource), alignof(ArenaResource))) ArenaResource(arena);
}

Result<json::object*> parse_object(async::Arena& arena, std::string_view body, EmptyBody empty,
                                   std::size_t max_depth) {
  if (is_blank(body)) {
    if (empty == EmptyBody::kRefused) return &kNoBody;
    body = "{}";
  }
  const auto parsed = parse(arena, body, max_depth);  // L3
  if (!parsed) return parsed.error();
  json::value& value = **parsed;
  if (value.is_null() && empty == EmptyBody::kIsEmptyObject) value.emplace_object();  // D5
  if (!value.is_object()) return &kNotAnObject;
  return &value.get_object();
}

std::string_view serialize(async::Arena& arena, const json::object& object) {
  json::serializer serializer;
  serializer.reset(&object);
  std::string_view text;
  std::size_t room = 1024;
  char* out = arena.make_array<char>(room);
  std::size_t size = 0;
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

bool is_object(async::Arena& arena, std::string_view text, std::string_view& members) {
  const auto parsed = parse(arena, text, kMaxJsonDepth);
  if (!parsed || !(*parsed)->is_object()) return false;
  const auto first = text.find('{') + 1;
  members = text.substr(first, text.rfind('}') - first);
  if (is_blank(members)) members = {};
  return true;
}

}  // namespace mxd::http
