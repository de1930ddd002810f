// What names a database: a file, a URL, or the key words of PostgreSQL's libpq. It may hold
// passwords, and goes into a log, an error or a listing only without them.
#ifndef MXD_BINDINGS_COMMON_DATABASE_URL_H
#define MXD_BINDINGS_COMMON_DATABASE_URL_H

#include <absl/strings/ascii.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace mxd::common {

// RFC 3986, 3.1: what stands before the colon of a URL; empty for a file name or key words.
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

// The NAME of libmatrix_devices_NAME.so, which opens it: "postgres" for the schemes postgresql and
// postgres, and for key words ("host=/run/postgresql dbname=devices": one of libpq's before the
// first "="); "sqlite" for a file name, such as "./host=x"; else the scheme, in lower case.
std::string engine_of(std::string_view database);

// The same with "***" in the place of each password: of a URL's user, of its query, of key words.
// What is written wrongly hides rather too much: so does an "@" after the host, which is %40.
std::string without_passwords(std::string_view database);

bool holds_password(std::string_view database);

// With one more password, which counts: of a URL in its query, else as a key word.
std::string with_password(std::string_view database, std::string_view password);

}  // namespace mxd::common

#endif  // MXD_BINDINGS_COMMON_DATABASE_URL_H
