#include "tests/fuzz/promises.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdio>
#include <cstdlib>

#include "module/http/text.h"

namespace mxd::fuzz {

void require(bool holds, std::string_view promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

bool is_one_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= ' '; });
}

bool is_header(std::string_view text) {
  return is_one_line(text) && text.find('\x7f') == text.npos;
}

bool is_keepable(std::string_view text) {
  return mxd::http::is_utf8(text) && text.find('\0') == text.npos;
}

bool is_printable(std::string_view target) {
  return is_header(target) && mxd::http::is_utf8(target) && target.find(' ') == target.npos;
}

bool holds_token(std::string_view target) {
  const auto query = target.find('?');
  if (query == target.npos) return false;
  constexpr std::string_view kName = "access_token=";
  for (auto rest = target.substr(query);; rest = rest.substr(rest.find('&'))) {
    rest.remove_prefix(1);
    const auto parameter = rest.substr(0, rest.find('&'));
    if (parameter.starts_with(kName) && parameter != kName) return true;
    if (rest.find('&') == rest.npos) return false;
  }
}

bool is_json(std::string_view text) {
  boost::json::error_code error;
  boost::json::parse_options deep;
  deep.max_depth = 1000;
  boost::json::parse(text, error, {}, deep);
  return !error;
}

}  // namespace mxd::fuzz
