#include "bindings/common/normal_target.h"

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cstddef>

namespace mxd::common {
namespace {

bool is_plain(char c) {
  return c > 0x20 && c < 0x7F;
}

// `scheme` in lower case.
bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(), [](char wanted, char c) {
           return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

// The bytes of the character that begins here and may stay as it is; 0: this byte is encoded.
size_t character(std::string_view text) {
  namespace utf = boost::locale::utf;
  if (is_plain(text.front())) return 1;
  const char* at = text.data();
  const utf::code_point point = utf::utf_traits<char>::decode(at, text.data() + text.size());
  if (point == utf::illegal || point == utf::incomplete || point <= 0x20 || point == 0x7F) return 0;
  return static_cast<size_t>(at - text.data());
}

void append_encoded(std::string& out, char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += kDigits[value >> 4];
  out += kDigits[value & 0x0F];
}

}  // namespace

std::string_view normal_target(std::string_view raw, std::string& storage) {
  std::string_view rest = raw;
  bool needs_slash = false;
  if (!raw.starts_with('/')) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!starts_with_scheme(raw, scheme)) continue;
      rest.remove_prefix(std::min(rest.find_first_of("/?#", scheme.size()), rest.size()));
      needs_slash = !rest.starts_with('/');
    }
  }
  if (!needs_slash && std::all_of(rest.begin(), rest.end(), is_plain)) return rest;

  storage.clear();
  storage.reserve(rest.size() + 16);
  if (needs_slash) storage += '/';
  while (!rest.empty()) {
    const size_t size = character(rest);
    if (size == 0) {
      append_encoded(storage, rest.front());
    } else {
      storage += rest.substr(0, size);
    }
    rest.remove_prefix(std::max<size_t>(size, 1));
  }
  return storage;
}

}  // namespace mxd::common
