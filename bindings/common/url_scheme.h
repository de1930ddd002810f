// The scheme of what is a URL or a file name.
#ifndef MXD_BINDINGS_COMMON_URL_SCHEME_H
#define MXD_BINDINGS_COMMON_URL_SCHEME_H

#include <absl/strings/ascii.h>

#include <algorithm>
#include <string_view>

namespace mxd::common {

// RFC 3986, 3.1: what stands before the colon of a URL; empty for a file name.
inline std::string_view scheme_of(std::string_view url) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = url.substr(0, colon);
  const bool is_one = absl::ascii_isalpha(static_cast<unsigned char>(scheme.front())) &&
                      std::all_of(scheme.begin(), scheme.end(), [](char c) {
                        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' ||
                               c == '-' || c == '.';
                      });
  return is_one ? scheme : std::string_view();
}

}  // namespace mxd::common

#endif  // MXD_BINDINGS_COMMON_URL_SCHEME_H
