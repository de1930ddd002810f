// Text between the C structs and C++.
#ifndef MXD_BINDINGS_STORE_COMMON_TEXT_H
#define MXD_BINDINGS_STORE_COMMON_TEXT_H

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cstddef>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::store {

// Never NULL: not every library takes that for an empty text.
inline std::string_view text(mxd_view view) {
  return view.size == 0 ? std::string_view("") : std::string_view(view.data, view.size);
}

inline mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

// The text that it begins with: UTF-8 without U+0000, as text in a database is (convention 4 of
// module.h). What people type, and what a server has read, may be any bytes.
inline std::string_view text_part(std::string_view bytes) {
  using Utf8 = boost::locale::utf::utf_traits<char>;
  auto end = bytes.begin();
  for (auto at = end; at != bytes.end(); end = at) {
    const auto point = Utf8::decode(at, bytes.end());
    if (point == 0 || !boost::locale::utf::is_valid_codepoint(point)) break;
  }
  return bytes.substr(0, static_cast<size_t>(end - bytes.begin()));
}

inline bool is_text(std::string_view bytes) {
  return text_part(bytes).size() == bytes.size();
}

// Copies `from`, cut where need be, with a terminator.
inline void copy_terminated(char* to, size_t capacity, std::string_view from) {
  if (capacity == 0) return;
  const size_t size = std::min(from.size(), capacity - 1);
  std::copy_n(from.data(), size, to);
  to[size] = '\0';
}

template <size_t kCapacity>
void copy_terminated(char (&to)[kCapacity], std::string_view from) {
  copy_terminated(to, kCapacity, from);
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_TEXT_H
