// Text between the C structs and C++.
#ifndef MXD_BINDINGS_STORE_COMMON_TEXT_H
#define MXD_BINDINGS_STORE_COMMON_TEXT_H

#include <algorithm>
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
