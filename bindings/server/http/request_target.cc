#include "bindings/server/http/request_target.h"

#include "bindings/server/utf8.h"

namespace mxd::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

RequestTarget::RequestTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  path_ = target.substr(0, mark);
  if (mark != std::string_view::npos) query_ = target.substr(mark + 1);
}

RequestTarget::Parameter RequestTarget::query(std::string_view name) const {
  Parameter parameter;
  std::string_view rest = query_;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto equals = pair.find('=');
    const auto key = decoded(pair.substr(0, equals));
    if (!key || *key != name) continue;
    if (parameter.value) {
      parameter.broken = true;
      return parameter;
    }
    parameter.value =
        equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1));
    if (!parameter.value || !is_utf8(*parameter.value)) {
      parameter.broken = true;
      return parameter;
    }
  }
  return parameter;
}

}  // namespace mxd::server
