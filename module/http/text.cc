#include "module/http/text.h"

#include <algorithm>
#include <boost/locale/utf.hpp>

namespace mxd::http {

namespace {

// The first byte that is not ASCII, or the end.
const char* skip_ascii(const char* at, const char* end) noexcept {
  while (end - at >= 8 && find_non_ascii(load_word(at)) == 0)
    at += 8;
  while (at != end && static_cast<unsigned char>(*at) < 0x80)
    ++at;
  return at;
}

}  // namespace

std::optional<size_t> count_code_points(std::string_view text) noexcept {
  namespace utf = boost::locale::utf;
  const char* at = text.data();
  const char* const end = at + text.size();
  size_t count = 0;
  for (;;) {
    const char* const ascii = at;
    at = skip_ascii(at, end);
    count += at - ascii;
    if (at == end) return count;
    const utf::code_point point = utf::utf_traits<char>::decode(at, end);
    if (point == utf::illegal || point == utf::incomplete) return std::nullopt;
    ++count;
  }
}

std::string_view concatenate(memory::Arena& arena, std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (const auto part : parts)
    size += part.size();
  char* const out = arena.make_array<char>(size);
  char* at = out;
  for (const auto part : parts)
    at = std::copy(part.begin(), part.end(), at);
  return {out, size};
}

std::string concatenate(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts)
    out += part;
  return out;
}

}  // namespace mxd::http
