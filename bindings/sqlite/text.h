// Text between the C structs and C++.
#ifndef MXD_BINDINGS_SQLITE_TEXT_H
#define MXD_BINDINGS_SQLITE_TEXT_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::sqlite {

// Never NULL: not every library takes that for an empty text.
inline std::string_view text(mxd_view view) {
  return view.size == 0 ? std::string_view("") : std::string_view(view.data, view.size);
}

inline mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

// A caller's growable struct as this library knows it: what the caller's header did not have is
// zero.
template <class Struct>
Struct known_part(const Struct* given) {
  Struct known{};
  std::memcpy(&known, given, std::min<size_t>(given->size, sizeof(Struct)));
  return known;
}

// Gives a caller as much of a growable struct as its header has; `to->size` says how much.
template <class Struct>
void copy_known_part(Struct known, Struct* to) {
  known.size = to->size;
  std::memcpy(to, &known, std::min<size_t>(to->size, sizeof(Struct)));
}

// Copies `from`, cut where need be, with a terminator.
template <size_t Capacity>
void copy_terminated(char (&to)[Capacity], std::string_view from) {
  const size_t size = std::min(from.size(), Capacity - 1);
  std::copy_n(from.data(), size, to);
  to[size] = '\0';
}

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_TEXT_H
