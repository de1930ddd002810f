#pragma once

#include <string_view>

namespace mxd::fuzz {

// What the contract promises, whatever comes in. Ends the process where it does not hold, so that
// the fuzzer keeps the input.
void require(bool holds, std::string_view promise);

// Whether a text has no line feed and no other control character below a space.
bool is_one_line(std::string_view text);

// Whether a text may stand in a header.
bool is_header(std::string_view text);

bool is_json(std::string_view text);

// Whether any host can keep a text: UTF-8 without U+0000.
bool is_keepable(std::string_view text);

// Whether a target holds nothing but what may be printed: UTF-8 without spaces and control
// characters.
bool is_printable(std::string_view target);

// Whether the query of a target has an access token that is not empty.
bool holds_token(std::string_view target);

}  // namespace mxd::fuzz
