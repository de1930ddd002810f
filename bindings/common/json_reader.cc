#include "bindings/common/json_reader.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mxd::common {
namespace {

namespace json = boost::json;
using boost::json::error_code;

using Fingerprint = std::uint64_t;

// Keys with the same fingerprint are the same: nobody outside can make two that are not.
Fingerprint fingerprint(std::string_view key) {
  using Secret = std::array<unsigned char, crypto_shorthash_KEYBYTES>;
  static const Secret secret = [] {
    std::random_device device;
    Secret bytes;
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(device());
    return bytes;
  }();
  Fingerprint print;
  static_assert(sizeof print == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&print),
                   reinterpret_cast<const unsigned char*>(key.data()), key.size(), secret.data());
  return print;
}

// Builds a value as Boost.JSON's own parser does, and stops at a member too many or a key that the
// object has already: before the object is built, for that hashes its keys.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  Builder(const json::storage_ptr& storage, std::size_t max_members)
      : stack_(storage), max_members_(max_members) {
    stack_.reset(storage);
  }

  json::value release() { return stack_.release(); }
  const std::optional<JsonFault>& fault() const { return fault_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    objects_.push_back(keys_.size());
    return true;
  }
  bool on_object_end(std::size_t count, error_code&) {
    keys_.resize(objects_.back());
    objects_.pop_back();
    stack_.push_object(count);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) {
    stack_.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view text, std::size_t, error_code&) {
    key_.append(text);
    stack_.push_chars(text);
    return true;
  }
  bool on_key(json::string_view text, std::size_t, error_code& error) {
    if (!key_.empty()) key_.append(text);
    const Fingerprint print = fingerprint(key_.empty() ? std::string_view(text) : key_);
    key_.clear();
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(objects_.back());
    if (static_cast<std::size_t>(keys_.end() - first) == max_members_) {
      return fail(JsonFault::kTooManyMembers, error);
    }
    if (std::find(first, keys_.end(), print) != keys_.end()) {
      return fail(JsonFault::kKeyTwice, error);
    }
    keys_.push_back(print);
    stack_.push_key(text);
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, error_code&) {
    stack_.push_chars(text);
    return true;
  }
  bool on_string(json::string_view text, std::size_t, error_code&) {
    stack_.push_string(text);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, error_code&) {
    stack_.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, error_code&) {
    stack_.push_uint64(value);
    return true;
  }
  bool on_double(double value, json::string_view, error_code&) {
    stack_.push_double(value);
    return true;
  }
  bool on_bool(bool value, error_code&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  bool fail(JsonFault fault, error_code& error) {
    fault_ = fault;
    error = json::error::object_too_large;
    return false;
  }

  json::value_stack stack_;
  const std::size_t max_members_;
  std::optional<JsonFault> fault_;
  std::string key_;                   // what came of a key before its last part
  std::vector<Fingerprint> keys_;     // of the objects that are open, the outermost first
  std::vector<std::size_t> objects_;  // where in keys_ each of them begins
};

// Whether a text ends in an escape of the first half of a surrogate pair.
bool ends_in_first_half(std::string_view text) {
  constexpr std::size_t kEscape = 6;  // \uD800 to \uDBFF
  if (text.size() < kEscape) return false;
  const std::string_view escape = text.substr(text.size() - kEscape);
  const bool leads = escape.starts_with("\\u") && (escape[2] == 'd' || escape[2] == 'D') &&
                     std::string_view("89abAB").find(escape[3]) != std::string_view::npos;
  text.remove_suffix(kEscape);
  const std::size_t backslashes = text.size() - (text.find_last_not_of('\\') + 1);
  return leads && backslashes % 2 == 0;  // else the escape is of a backslash
}

// Whether an error is that of half a pair. The parser calls it by several names, of which two say
// other things too; `read` is the text in front of the error.
bool is_half_surrogate(const error_code& error, std::string_view read) {
  if (error == json::error::syntax) {  // no escape behind the first half
    if (read.ends_with('\\')) read.remove_suffix(1);
    return ends_in_first_half(read);
  }
  if (error == json::error::expected_hex_digit) {  // a whole escape behind it, of something else
    constexpr std::size_t kEscape = 6;
    if (read.size() < kEscape) return false;
    const std::string_view escape = read.substr(read.size() - kEscape);
    constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
    return escape.starts_with("\\u") && escape.find_first_not_of(kHexDigits, 2) == escape.npos &&
           ends_in_first_half(read.substr(0, read.size() - kEscape));
  }
  return error == json::error::illegal_leading_surrogate ||
         error == json::error::illegal_trailing_surrogate ||
         error == json::error::expected_utf16_escape;
}

JsonFault fault_of(const error_code& error, std::string_view read) {
  if (error == json::error::too_deep) return JsonFault::kTooDeep;
  if (error == json::error::exponent_overflow) return JsonFault::kHugeNumber;
  return is_half_surrogate(error, read) ? JsonFault::kHalfSurrogate : JsonFault::kNotJson;
}

}  // namespace

ReadObject read_json_object(std::string_view text, json::storage_ptr storage, JsonLimits limits) {
  json::parse_options options;
  options.max_depth = limits.depth;
  json::basic_parser<Builder> parser(options, storage, limits.members);
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (parser.handler().fault()) return {{}, parser.handler().fault()};
  if (error) return {{}, fault_of(error, text.substr(0, used))};
  json::value value = parser.handler().release();
  if (!value.is_object()) return {{}, JsonFault::kNotAnObject};
  return {std::move(value.get_object()), std::nullopt};
}

std::string_view errcode(JsonFault fault) noexcept {
  return fault == JsonFault::kNotJson ? "M_NOT_JSON" : "M_BAD_JSON";
}

std::string_view explain(JsonFault fault) noexcept {
  switch (fault) {
    case JsonFault::kNotJson:
      break;
    case JsonFault::kTooDeep:
      return "The request body is nested too deep. Send it flatter.";
    case JsonFault::kTooManyMembers:
      return "The request body has an object with too many members. Send fewer.";
    case JsonFault::kKeyTwice:
      return "The request body gives a key twice in one object. Give it once.";
    case JsonFault::kHalfSurrogate:
      return "The request body escapes half a surrogate pair. Escape both halves.";
    case JsonFault::kHugeNumber:
      return "The request body holds a number that is out of range.";
    case JsonFault::kNotAnObject:
      return "The request body is JSON, but not an object. Send {...}.";
  }
  return "The request body is not JSON in UTF-8. Send a JSON object.";
}

}  // namespace mxd::common
