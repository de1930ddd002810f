#include "module/http/text.h"

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cstdint>
#include <cstring>

namespace mxd::http {

std::optional<size_t> count_code_points(std::string_view text) noexcept {
  namespace utf = boost::locale::utf;
  const char* at = text.data();
  const char* const end = at + text.size();
  size_t count = 0;
  while (at != end) {
    // Most text is ASCII: eight bytes at a time.
    uint64_t eight;
    if (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080'8080'8080'8080) == 0)) {
      at += 8;
      count += 8;
      continue;
    }
    const utf::code_point point = utf::utf_traits<char>::decode(at, end);
    if (point == utf::illegal || point == utf::incomplete) return std::nullopt;
    ++count;
  }
  return count;
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
