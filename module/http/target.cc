#include "module/http/target.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <boost/url/grammar/hexdig_chars.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <utility>

#include "module/http/text.h"

namespace mxd::http {
namespace {

// Calls `visit(name, value, piece)` for each piece of a query between ampersands.
template <class Visit>
void for_each_parameter(std::string_view query, Visit&& visit) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto piece = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = std::min(piece.find('='), piece.size());
    const auto value = piece.substr(std::min(equals + 1, piece.size()));
    visit(piece.substr(0, equals), value, piece);
  }
}

bool is_named(memory::Arena& arena, std::string_view encoded, std::string_view name) {
  if (encoded == name) return true;
  if (encoded.size() <= name.size()) return false;
  const auto decoded = percent_decode(arena, encoded, true);
  return decoded.has_value() && *decoded == name;
}

char* write_escape(char* at, char c) noexcept {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  *at++ = '%';
  *at++ = kDigits[byte >> 4];
  *at++ = kDigits[byte & 0x0F];
  return at;
}

// How many bytes from the first on are a character that may be handed on as it is; 0: none.
size_t printable_character(std::string_view text) noexcept {
  namespace utf = boost::locale::utf;
  const char* at = text.data();
  const utf::code_point point = utf::utf_traits<char>::decode(at, text.data() + text.size());
  const bool printable =
      point != utf::illegal && point != utf::incomplete && point > 0x20 && point != 0x7F;
  return printable ? static_cast<size_t>(at - text.data()) : 0;
}

// Of the absolute form, what comes after scheme and authority.
std::string_view without_origin(std::string_view raw) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (absl::StartsWithIgnoreCase({raw.data(), raw.size()}, {scheme.data(), scheme.size()})) {
      return raw.substr(std::min(raw.find_first_of("/?#", scheme.size()), raw.size()));
    }
  }
  return raw;
}

}  // namespace

Target Target::split(std::string_view raw) noexcept {
  if (!raw.starts_with('/')) raw = without_origin(raw);
  raw = raw.substr(0, raw.find('#'));
  const auto question = raw.find('?');
  if (question == raw.npos) return {raw, {}};
  return {raw.substr(0, question), raw.substr(question + 1)};
}

std::string_view printable_target(memory::Arena& arena, std::string_view raw) {
  if (is_visible_ascii(raw)) return arena.copy(raw);
  char* const out = arena.make_array<char>(3 * raw.size());
  char* at = out;
  while (!raw.empty()) {
    const size_t size = printable_character(raw);
    if (size == 0) at = write_escape(at, raw.front());
    at = std::copy_n(raw.begin(), size, at);
    raw.remove_prefix(std::max<size_t>(size, 1));
  }
  return {out, static_cast<size_t>(at - out)};
}

// Of Boost.URL only what its headers hold: its sources cannot be compiled in from 1.83 on, and the
// module is not to need its shared library.
std::optional<std::string_view> percent_decode(memory::Arena& arena, std::string_view encoded,
                                               bool in_query) {
  const bool plain =
      encoded.find('%') == encoded.npos && (!in_query || encoded.find('+') == encoded.npos);
  if (plain) return encoded;
  char* const out = arena.make_array<char>(encoded.size());
  char* at = out;
  for (size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      if (encoded.size() - i < 3) return std::nullopt;
      const auto high = boost::urls::grammar::hexdig_value(encoded[i + 1]);
      const auto low = boost::urls::grammar::hexdig_value(encoded[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && in_query) {
      c = ' ';
    }
    *at++ = c;
  }
  return std::string_view(out, static_cast<size_t>(at - out));
}

std::string_view percent_encode(memory::Arena& arena, std::string_view text) {
  char* const out = arena.make_array<char>(3 * text.size());
  char* at = out;
  for (const char c : text) {
    if (boost::urls::unreserved_chars(c)) {
      *at++ = c;
    } else {
      at = write_escape(at, c);
    }
  }
  return {out, static_cast<size_t>(at - out)};
}

QueryParameter find_parameter(memory::Arena& arena, std::string_view query, std::string_view name) {
  QueryParameter found;
  for_each_parameter(query, [&](std::string_view key, std::string_view value, std::string_view) {
    if (!is_named(arena, key, name)) return;
    if (found.state != QueryParameter::State::kAbsent) {
      found.state = QueryParameter::State::kTwice;
      return;
    }
    const auto decoded = percent_decode(arena, value, true);
    found.state =
        decoded.has_value() ? QueryParameter::State::kGiven : QueryParameter::State::kBroken;
    found.value = decoded.value_or(std::string_view());
  });
  return found;
}

std::string_view without_parameter(memory::Arena& arena, const Target& target,
                                   std::string_view name) {
  char* const out = arena.make_array<char>(target.path.size() + 1 + target.query.size());
  char* at = std::copy(target.path.begin(), target.path.end(), out);
  char separator = '?';
  for_each_parameter(target.query,
                     [&](std::string_view key, std::string_view, std::string_view piece) {
                       if (is_named(arena, key, name)) return;
                       *at++ = std::exchange(separator, '&');
                       at = std::copy(piece.begin(), piece.end(), at);
                     });
  return {out, static_cast<size_t>(at - out)};
}

}  // namespace mxd::http
