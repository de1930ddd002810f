#include "module/http/json_writer.h"

#include <algorithm>
#include <array>
#include <boost/json/serializer.hpp>
#include <charconv>

namespace mxd::http {
namespace {

// Which bytes a JSON string shows as they are. Others are left to the serializer.
constexpr std::array<bool, 256> kShownAsItIs = [] {
  std::array<bool, 256> shown{};
  for (size_t c = 0x20; c < 0x7F; ++c)
    shown[c] = c != '"' && c != '\\';
  return shown;
}();

}  // namespace

void JsonWriter::number(int64_t value) {
  separate();
  constexpr size_t kLongest = 20;
  char* const to = out_.room(kLongest);
  out_.advance(static_cast<size_t>(std::to_chars(to, to + kLongest, value).ptr - to));
}

void JsonWriter::quoted(std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return kShownAsItIs[c]; });
  if (plain) {
    char* const to = out_.room(text.size() + 2);
    *to = '"';
    *std::copy(text.begin(), text.end(), to + 1) = '"';
    out_.advance(text.size() + 2);
    return;
  }
  // With room for the longest escapes the serializer is done in one read, and never suspends.
  const size_t longest = 6 * text.size() + 2;
  char* const to = out_.room(longest);
  boost::json::serializer serializer;
  serializer.reset(boost::json::string_view(text.data(), text.size()));
  out_.advance(serializer.read(to, longest).size());
}

}  // namespace mxd::http
