#include "module/http/json_parser.h"

#include <boost/json/basic_parser_impl.hpp>
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
JsonFault fault_of(const error_code& error, std::string_view read) {
  if (error == json::error::too_deep) return JsonFault::kTooDeep;
  if (error == json::error::illegal_leading_surrogate ||
      error == json::error::illegal_trailing_surrogate ||
      error == json::error::expected_utf16_escape ||
      (error == json::error::syntax && ends_in_half_a_pair(read))) {
    return JsonFault::kHalfSurrogate;
  }
  if (error == json::error::exponent_overflow) return JsonFault::kHugeNumber;
  return JsonFault::kNotJson;
}

}  // namespace

json::storage_ptr storage_in(async::Arena& arena) {
  return new (arena.allocate(sizeof(ArenaResource), alignof(ArenaResource))) ArenaResource(arena);
}

ParsedJson parse_json(async::Arena& arena, std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Builder> parser(options, storage_in(arena));
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) return {nullptr, fault_of(error, text.substr(0, used))};
  Builder& builder = parser.handler();
  // Never destroyed: all that it holds is the arena's.
  auto* value = new (arena.allocate(sizeof(json::value), alignof(json::value)))
      json::value(builder.stack.release());
  if (count_keys(*value) != builder.keys) return {nullptr, JsonFault::kKeyTwice};
  return {value};
}

}  // namespace mxd::http
