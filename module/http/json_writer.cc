#include "module/http/json_writer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <boost/json/serializer.hpp>

#include "module/http/text.h"

namespace mxd::http {

void JsonWriter::number(int64_t value) {
  separate();
  const absl::AlphaNum digits(value);
  out_.append({digits.data(), digits.size()});
}

bool JsonWriter::member(const Name& name, std::string_view text) {
  if (!has_none<find_unfit_for_json>(text)) {
    key(name);
    first_ = false;
    return escaped(text);
  }
  char* const to = out_.room(Name::kRoom + text.size() + 2);
  char* at = name.write(to, first_);
  *at++ = '"';
  at = std::copy(text.begin(), text.end(), at);
  *at++ = '"';
  out_.advance(static_cast<size_t>(at - to));
  first_ = false;
  return true;
}

bool JsonWriter::escaped(std::string_view text) {
  if (!is_utf8(text)) return false;
  // With room for the longest escapes the serializer is done in one read, and never suspends.
  const size_t longest = 6 * text.size() + 2;
  char* const to = out_.room(longest);
  boost::json::serializer serializer;
  serializer.reset(boost::json::string_view(text.data(), text.size()));
  out_.advance(serializer.read(to, longest).size());
  return true;
}

}  // namespace mxd::http
