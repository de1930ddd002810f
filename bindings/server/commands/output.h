// What commands write to standard output: one JSON document, or text for people.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mxd::server {

// Anything, without what a terminal would obey or be misled by (control characters, directions of
// writing): they are shown as \x1b and \u{202e}, and so are bytes that are no UTF-8.
std::string printable(std::string_view text);

// "2025-01-31T12:00:00Z"; "-" for what is negative, which is never.
std::string time_text(int64_t ms);

// In bold, where standard output is a terminal and NO_COLOR is not set.
std::string bold(const std::string& text);

bool is_terminal(int file);

void print_line(std::string_view line);
void print_json(const boost::json::object& document);

// Throws Failure if something could not be written.
void flush_output();

// A list, row by row; nothing is written before the first, or the end. As JSON it is the member
// `key`, the last of the document, which begins with the members of `head`. On a terminal it is a
// table; else it is for other programs: a line a row, with tabs and without a heading.
class Listing {
 public:
  Listing(bool json, std::string_view key, std::vector<std::string> headings,
          const boost::json::object& head = {});
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;

  // False: nobody reads any more. Cells are made printable; an empty one is "-".
  bool add(const boost::json::object& row, std::vector<std::string> cells);

  // The rest of it.
  void finish();

 private:
  void print_table() const;

  const bool is_json_;
  const bool is_table_;
  std::string json_start_;
  bool is_empty_ = true;
  std::vector<std::vector<std::string>> rows_;  // of a table; the headings first
};

}  // namespace mxd::server
