#include "bindings/common/database_url.h"

#include <absl/strings/match.h>

#include <cstddef>
#include <iterator>
#include <vector>

namespace mxd::common {
namespace {

constexpr size_t kNpos = std::string_view::npos;
constexpr std::string_view kHidden = "***";
constexpr std::string_view kBlanks = " \t\n\v\f\r";

// Of libpq up to PostgreSQL 18 (libpq-connect, "Parameter Key Words").
constexpr std::string_view kKeyWords[] = {"application_name",
                                          "channel_binding",
                                          "client_encoding",
                                          "connect_timeout",
                                          "dbname",
                                          "fallback_application_name",
                                          "gssdelegation",
                                          "gssencmode",
                                          "gsslib",
                                          "host",
                                          "hostaddr",
                                          "keepalives",
                                          "keepalives_count",
                                          "keepalives_idle",
                                          "keepalives_interval",
                                          "krbsrvname",
                                          "load_balance_hosts",
                                          "max_protocol_version",
                                          "min_protocol_version",
                                          "oauth_client_id",
                                          "oauth_client_secret",
                                          "oauth_issuer",
                                          "oauth_scope",
                                          "options",
                                          "passfile",
                                          "password",
                                          "port",
                                          "replication",
                                          "require_auth",
                                          "requirepeer",
                                          "requiressl",
                                          "scram_client_key",
                                          "scram_server_key",
                                          "service",
                                          "servicefile",
                                          "ssl_max_protocol_version",
                                          "ssl_min_protocol_version",
                                          "sslcert",
                                          "sslcertmode",
                                          "sslcompression",
                                          "sslcrl",
                                          "sslcrldir",
                                          "sslkey",
                                          "sslkeylogfile",
                                          "sslmode",
                                          "sslnegotiation",
                                          "sslpassword",
                                          "sslrootcert",
                                          "sslsni",
                                          "target_session_attrs",
                                          "tcp_user_timeout",
                                          "user"};

constexpr std::string_view kSecrets[] = {"password", "sslpassword", "oauth_client_secret",
                                         "scram_client_key", "scram_server_key"};

bool is_blank(char c) {
  return kBlanks.find(c) != kNpos;
}

bool is_key_word(std::string_view name) {
  return std::find(std::begin(kKeyWords), std::end(kKeyWords), name) != std::end(kKeyWords);
}

bool is_secret(std::string_view name) {
  return std::any_of(std::begin(kSecrets), std::end(kSecrets), [&](std::string_view secret) {
    return absl::EqualsIgnoreCase({name.data(), name.size()}, {secret.data(), secret.size()});
  });
}

// A part of a text.
struct Span {
  size_t begin;
  size_t end;
};
using Spans = std::vector<Span>;

void add(Spans& spans, size_t begin, size_t end) {
  if (begin < end) spans.push_back({begin, end});
}

// ---- URLs ----

// Whether "key=" stands here, as in a query.
bool begins_parameter(std::string_view text) {
  const size_t end =
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.%");
  return end != kNpos && end > 0 && text[end] == '=';
}

// The next `separator` with a parameter after it.
size_t find_parameter(std::string_view text, char separator, size_t from) {
  size_t at = text.find(separator, from);
  while (at != kNpos && !begins_parameter(text.substr(at + 1)))
    at = text.find(separator, at + 1);
  return at;
}

int digit_of(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const size_t at = kDigits.find(absl::ascii_tolower(static_cast<unsigned char>(c)));
  return at == kNpos ? -1 : static_cast<int>(at);
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '%' && at + 2 < text.size() && digit_of(text[at + 1]) >= 0 &&
                           digit_of(text[at + 2]) >= 0;
    if (!is_escape) {
      decoded += text[at];
      continue;
    }
    decoded += static_cast<char>(digit_of(text[at + 1]) * 16 + digit_of(text[at + 2]));
    at += 2;
  }
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte / 16], kDigits[byte % 16]};
    }
  }
  return encoded;
}

// Where a password with an "@", "/" or "?" that should have been escaped ends, libpq does not know:
// here it is the last "@" before the query.
Spans secrets_of_url(std::string_view url, size_t begin) {
  Spans spans;
  size_t query = find_parameter(url, '?', begin);
  const size_t at = url.substr(0, query).rfind('@');
  const size_t colon = url.find(':', begin);
  if (at != kNpos && at >= begin && colon < at) add(spans, colon + 1, at);
  while (query != kNpos) {
    const size_t equals = url.find('=', query);
    const size_t next = find_parameter(url, '&', equals);
    if (is_secret(percent_decoded(url.substr(query + 1, equals - query - 1)))) {
      add(spans, equals + 1, std::min(next, url.size()));
    }
    query = next;
  }
  return spans;
}

// ---- Key words ----

// Where a quoted value ends, whose quote stands at `at`; kNpos: nowhere.
size_t end_of_quoted(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\'') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return kNpos;
}

size_t end_of_word(std::string_view text, size_t at) {
  while (at < text.size() && !is_blank(text[at]))
    at += text[at] == '\\' && at + 1 < text.size() ? 2 : 1;
  return at;
}

// From the end of a secret on, what can only be the rest of one that is not quoted.
size_t end_with_rest(std::string_view text, size_t end) {
  end = end_of_word(text, end);
  while (true) {
    const size_t next = text.find_first_not_of(kBlanks, end);
    if (next == kNpos) return end;
    const size_t next_end = end_of_word(text, next);
    const size_t after = std::min(text.find_first_not_of(kBlanks, next_end), text.size());
    const bool is_key = text.substr(next, next_end - next).find('=') != kNpos ||
                        (after < text.size() && text[after] == '=');
    if (is_key) return end;
    end = next_end;
  }
}

Spans secrets_of_key_words(std::string_view text) {
  Spans spans;
  size_t at = 0;
  while ((at = text.find_first_not_of(kBlanks, at)) != kNpos) {
    const size_t name_end = std::min(text.find_first_of(" \t\n\v\f\r=", at), text.size());
    const std::string_view name = text.substr(at, name_end - at);
    at = text.find_first_not_of(kBlanks, name_end);
    if (at == kNpos || text[at] != '=') continue;  // no key: what follows may be one
    at = std::min(text.find_first_not_of(kBlanks, at + 1), text.size());
    const bool is_quoted = at < text.size() && text[at] == '\'';
    const size_t quoted_end = is_quoted ? end_of_quoted(text, at) : kNpos;
    if (is_secret(name)) {
      const size_t end = is_quoted ? end_with_rest(text, std::min(quoted_end, text.size()))
                                   : end_with_rest(text, at);
      if (!is_quoted || text.substr(at, end - at) != "''") add(spans, at, end);
      at = end;
    } else if (is_quoted && quoted_end == kNpos) {
      ++at;  // it has no end: there may be a secret in it
    } else {
      at = is_quoted ? quoted_end : end_of_word(text, at);
    }
  }
  return spans;
}

// Of "SCHEME://…" where the rest begins; 0: it is something else.
size_t end_of_slashes(std::string_view database) {
  const std::string_view scheme = scheme_of(database);
  const bool is_url = !scheme.empty() && database.substr(scheme.size()).substr(0, 3) == "://";
  return is_url ? scheme.size() + 3 : 0;
}

Spans secrets_of(std::string_view database) {
  const size_t begin = end_of_slashes(database);
  if (begin != 0) return secrets_of_url(database, begin);
  return scheme_of(database).empty() ? secrets_of_key_words(database) : Spans{};
}

bool is_key_words(std::string_view database) {
  const size_t equals = database.find('=');
  if (equals == kNpos) return false;
  const std::string_view name = database.substr(0, equals);
  const size_t begin = name.find_first_not_of(kBlanks);
  if (begin == kNpos) return false;
  const size_t end = name.find_last_not_of(kBlanks) + 1;
  return is_key_word(name.substr(begin, end - begin));
}

}  // namespace

std::string engine_of(std::string_view database) {
  const std::string_view scheme = scheme_of(database);
  if (scheme.empty()) return is_key_words(database) ? "postgres" : "sqlite";
  std::string name = absl::AsciiStrToLower({scheme.data(), scheme.size()});
  return name == "postgresql" ? "postgres" : name;
}

std::string without_passwords(std::string_view database) {
  std::string shown;
  size_t from = 0;
  for (const Span& secret : secrets_of(database)) {
    shown += database.substr(from, secret.begin - from);
    shown += kHidden;
    from = secret.end;
  }
  return shown += database.substr(from);
}

bool holds_password(std::string_view database) {
  return !secrets_of(database).empty();
}

std::string with_password(std::string_view database, std::string_view password) {
  std::string with(database);
  if (end_of_slashes(database) != 0) {
    with += database.find('?') == kNpos ? '?' : '&';
    return with += "password=" + percent_encoded(password);
  }
  with += " password='";
  for (const char c : password) {
    if (c == '\'' || c == '\\') with += '\\';
    with += c;
  }
  return with += '\'';
}

}  // namespace mxd::common
