#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "module/http/ascii.h"
#include "module/memory/arena.h"

namespace mxd::http {

// How many code points a text has; none if it is not UTF-8 (overlong forms and surrogates are
// not).
std::optional<size_t> count_code_points(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept {
  return has_none<find_non_ascii>(text) || count_code_points(text).has_value();
}

// U+0021 to U+007E only.
inline bool is_visible_ascii(std::string_view text) noexcept {
  return has_none<find_invisible>(text);
}

// U+0000 to U+001F, U+007F.
inline bool has_control_characters(std::string_view text) noexcept {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

inline bool has_nul(std::string_view text) noexcept {
  return text.find('\0') != text.npos;
}

// Text as the contract has it: UTF-8 without U+0000.
inline bool is_plain_text(std::string_view text) noexcept {
  return has_none<find_non_ascii_or_nul>(text) || (is_utf8(text) && !has_nul(text));
}

// All parts as one text, in the arena. @throws std::bad_alloc
std::string_view concatenate(memory::Arena& arena, std::initializer_list<std::string_view> parts);

// The same on the heap. (absl::StrFormat is not for here: it ends the process without memory.)
// @throws std::bad_alloc
std::string concatenate(std::initializer_list<std::string_view> parts);

}  // namespace mxd::http
