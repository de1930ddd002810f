#include "bindings/common/json_reader.h"

#include <sodium/crypto_shorthash.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mxd::common {
namespace {

namespace json = boost::json;
using boost::json::error_code;

using Fingerprint = uint64_t;

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

// Builds a value from what the parser reads. It stops at a member too many, or at a key that the
// object has already, before the object is built: Boost.JSON hashes the keys, with the address of
// the object's table for the only secret. The capacity is never a power of two: of that the low
// bits alone, which can be guessed, would choose the bucket.
class Builder {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  Builder(json::storage_ptr storage, size_t max_members)
      : storage_(std::move(storage)),
        max_members_(max_members),
        part_(storage_),
        values_(storage_) {}

  // The value that was read.
  json::value& value() { return values_.front(); }
  const std::optional<JsonFault>& fault() const { return fault_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    objects_.push_back(keys_.size());
    return true;
  }
  bool on_object_end(size_t count, error_code&) {
    json::object object(storage_);
    if (count > 0) object.reserve(count | 1);
    auto value = values_.end() - static_cast<ptrdiff_t>(count);
    const size_t first = objects_.back();
    for (size_t i = first; i < first + count; ++i) {
      object.emplace(std::string_view(key_text_).substr(keys_[i].begin, keys_[i].size),
                     std::move(*value++));
    }
    if (count > 0) key_text_.resize(keys_[first].begin);
    keys_.resize(first);
    fingerprints_.resize(first);
    objects_.pop_back();
    replace(count, std::move(object));
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(size_t count, error_code&) {
    json::array array(storage_);
    array.reserve(count);
    for (auto value = values_.end() - static_cast<ptrdiff_t>(count); value != values_.end();)
      array.push_back(std::move(*value++));
    replace(count, std::move(array));
    return true;
  }
  bool on_key_part(json::string_view text, size_t, error_code&) {
    key_text_.append(text);
    return true;
  }
  bool on_key(json::string_view text, size_t size, error_code& error) {
    key_text_.append(text);
    const size_t begin = key_text_.size() - size;
    const auto first = fingerprints_.begin() + static_cast<ptrdiff_t>(objects_.back());
    if (static_cast<size_t>(fingerprints_.end() - first) == max_members_) {
      return fail(JsonFault::kTooManyMembers, error);
    }
    const Fingerprint key = fingerprint(std::string_view(key_text_).substr(begin));
    if (std::find(first, fingerprints_.end(), key) != fingerprints_.end()) {
      return fail(JsonFault::kKeyTwice, error);
    }
    fingerprints_.push_back(key);
    keys_.push_back({begin, size});
    return true;
  }
  bool on_string_part(json::string_view text, size_t, error_code&) {
    part_.append(text);
    return true;
  }
  bool on_string(json::string_view text, size_t, error_code&) {
    if (part_.empty()) {
      values_.emplace_back(text);
    } else {
      part_.append(text);
      values_.emplace_back(std::exchange(part_, json::string(storage_)));
    }
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(int64_t value, json::string_view, error_code&) { return push(value); }
  bool on_uint64(uint64_t value, json::string_view, error_code&) { return push(value); }
  bool on_double(double value, json::string_view, error_code& error) {
    if (!std::isfinite(value)) return fail(JsonFault::kHugeNumber, error);
    return push(value);
  }
  bool on_bool(bool value, error_code&) { return push(value); }
  bool on_null(error_code&) { return push(nullptr); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  struct Key {
    size_t begin;  // in key_text_
    size_t size;
  };

  template <class Value>
  bool push(Value value) {
    values_.emplace_back(value);
    return true;
  }
  // Puts what was made of the last values in their place.
  template <class Made>
  void replace(size_t count, Made made) {
    // Not by none: of an empty array Boost.JSON then writes to a table that all threads share.
    if (count > 0) values_.resize(values_.size() - count);
    values_.emplace_back(std::move(made));
  }
  bool fail(JsonFault fault, error_code& error) {
    fault_ = fault;
    error = json::error::object_too_large;
    return false;
  }

  const json::storage_ptr storage_;  // of all values, also of those that are not yet in their place
  const size_t max_members_;
  std::optional<JsonFault> fault_;
  json::string part_;   // what came of a string before its last part
  json::array values_;  // complete, and not yet in an object or array
  // Of the objects that are open, the outermost first:
  std::vector<size_t> objects_;  // where the keys of each begin
  std::vector<Key> keys_;
  std::vector<Fingerprint> fingerprints_;  // of the keys
  std::string key_text_;
};

// Whether a text ends in an escape of the first half of a surrogate pair.
bool ends_in_first_half(std::string_view text) {
  constexpr size_t kEscape = 6;  // \uD800 to \uDBFF
  if (text.size() < kEscape) return false;
  const std::string_view escape = text.substr(text.size() - kEscape);
  const bool leads = escape.starts_with("\\u") && (escape[2] == 'd' || escape[2] == 'D') &&
                     std::string_view("89abAB").find(escape[3]) != std::string_view::npos;
  text.remove_suffix(kEscape);
  const size_t backslashes = text.size() - (text.find_last_not_of('\\') + 1);
  return leads && backslashes % 2 == 0;  // else the escape is of a backslash
}

// Whether an error is that of half a pair. The parser calls it by several names, of which two say
// other things too; `read` is the text in front of the error.
bool is_half_surrogate(const error_code& error, std::string_view read) {
  if (error == json::error::syntax) {  // no escape after the first half
    if (read.ends_with('\\')) read.remove_suffix(1);
    return ends_in_first_half(read);
  }
  if (error == json::error::expected_hex_digit) {  // a whole escape after it, of something else
    constexpr size_t kEscape = 6;
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

ReadObject read_json_object(std::string_view text, const json::storage_ptr& storage,
                            JsonLimits limits) {
  json::parse_options options;
  options.max_depth = limits.depth;
  json::basic_parser<Builder> parser(options, storage, limits.members);
  error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (parser.handler().fault()) return {{}, parser.handler().fault()};
  if (error) return {{}, fault_of(error, text.substr(0, used))};
  json::value value = std::move(parser.handler().value());
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
