#include "bindings/server/utf8.h"

#include <boost/locale/utf.hpp>

namespace mxd::server {

bool is_utf8(std::string_view text) {
  namespace utf = boost::locale::utf;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const utf::code_point point = utf::utf_traits<char>::decode(at, end);
    if (point == utf::illegal || point == utf::incomplete) return false;
  }
  return true;
}

std::string_view first_code_points(std::string_view utf8, size_t count) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(utf8[i]) & 0xC0) != 0x80;
    if (begins && count-- == 0) return utf8.substr(0, i);
  }
  return utf8;
}

}  // namespace mxd::server
