#include "bindings/server/commands/output.h"

#include <absl/time/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <system_error>

#include "bindings/server/commands/failure.h"
#include "bindings/server/utf8.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

size_t code_points(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Of well-formed UTF-8.
char32_t decode(std::string_view character) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(character[at]); };
  if (character.size() == 1) return byte(0);
  char32_t point = byte(0) & (0xFFu >> (character.size() + 1));
  for (size_t at = 1; at < character.size(); ++at)
    point = (point << 6) | (byte(at) & 0x3Fu);
  return point;
}

bool is_obeyed(char32_t point) {
  const bool is_control = point < 0x20 || (point >= 0x7F && point < 0xA0);
  const bool is_direction = point == 0x61C || point == 0x200E || point == 0x200F ||
                            (point >= 0x2028 && point <= 0x202E) ||
                            (point >= 0x2066 && point <= 0x2069);
  return is_control || is_direction;
}

std::string escaped(const char* format, unsigned value) {
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

}  // namespace

std::string printable(std::string_view text) {
  const bool is_whole = is_utf8(text);
  std::string shown;
  while (!text.empty()) {
    const std::string_view character = is_whole ? first_code_points(text, 1) : text.substr(0, 1);
    text.remove_prefix(character.size());
    const char32_t point = decode(character);
    if (!is_whole && point >= 0x80) {
      shown += escaped("\\x%02x", point);
    } else if (is_obeyed(point)) {
      shown += escaped(point < 0x80 ? "\\x%02x" : "\\u{%x}", point);
    } else {
      shown += character;
    }
  }
  return shown;
}

std::string time_text(int64_t ms) {
  if (ms < 0) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

bool is_terminal(int file) {
  return ::isatty(file) == 1;
}

std::string bold(const std::string& text) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool is_plain = (no_color != nullptr && *no_color != '\0') || terminal == nullptr ||
                        std::string_view(terminal) == "dumb" || !is_terminal(STDOUT_FILENO);
  return is_plain ? text : "\x1b[1m" + text + "\x1b[0m";
}

void print_line(std::string_view line) {
  std::cout << line << "\n";
}

void print_json(const json::object& document) {
  std::cout << json::serialize(document) << "\n";
}

void flush_output() {
  errno = 0;
  if (std::cout.flush()) return;
  const std::string reason = errno != 0 ? ": " + std::generic_category().message(errno) : "";
  throw Failure(kFailed, "standard output can't be written" + reason);
}

Listing::Listing(bool is_json, std::string_view key, std::vector<std::string> headings,
                 const json::object& head)
    : is_json_(is_json), is_table_(!is_json && is_terminal(STDOUT_FILENO)) {
  if (is_table_) rows_.push_back(std::move(headings));
  json_start_ = json::serialize(head);
  json_start_.back() = head.empty() ? '{' : ',';
  if (head.empty()) json_start_.erase(0, 1);
  json_start_ += json::serialize(json::string_view(key.data(), key.size())) + ":[\n";
}

bool Listing::add(const json::object& row, std::vector<std::string> cells) {
  if (is_json_) {
    std::cout << (is_empty_ ? json_start_ : ",\n") << json::serialize(row);
    is_empty_ = false;
    return std::cout.good();
  }
  for (std::string& cell : cells)
    cell = cell.empty() ? "-" : printable(cell);
  if (is_table_) {
    rows_.push_back(std::move(cells));
    return true;
  }
  for (size_t at = 0; at < cells.size(); ++at)
    std::cout << (at == 0 ? "" : "\t") << cells[at];
  std::cout << "\n";
  return std::cout.good();
}

void Listing::finish() {
  if (is_json_) std::cout << (is_empty_ ? json_start_ : "\n") << "]}\n";
  if (is_table_) print_table();
}

void Listing::print_table() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t at = 0; at < row.size(); ++at)
      widths[at] = std::max(widths[at], code_points(row[at]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t at = 0; at < row.size(); ++at) {
      line += row[at];
      if (at + 1 < row.size()) line.append(widths[at] - code_points(row[at]) + 2, ' ');
    }
    print_line(&row == &rows_.front() ? bold(line) : line);
  }
}

}  // namespace mxd::server
