// Text as the contract passes it, and what of URLs and base64 the checking module needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "matrix_devices/module.h"

namespace mxd::check {

inline std::string_view text(mxd_view view) {
  return {view.data, view.size};
}
inline mxd_view view(std::string_view text) {
  return {text.data(), text.size()};
}

bool is_utf8(std::string_view text);

// UTF-8 without U+0000: convention 4 of module.h.
bool is_contract_text(std::string_view text);

// Undoes %XX; nothing where an escape is broken.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

// Escapes all but the unreserved characters of RFC 3986.
std::string percent_encoded(std::string_view text);

// URL-safe and without padding.
std::string base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

// What the memory of arguments is overwritten with when they are taken back, and whether some of
// it came back: then they were read too late.
inline constexpr char kTakenBack = '\x7f';
bool was_read_late(std::string_view text);

}  // namespace mxd::check
