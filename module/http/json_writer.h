#pragma once

#include <cstdint>
#include <string_view>

#include "module/memory/output_buffer.h"

namespace mxd::http {

// Writes JSON front to back into a buffer. The caller sees to the nesting; commas are written
// where they belong. All functions throw std::bad_alloc.
class JsonWriter {
 public:
  explicit JsonWriter(memory::OutputBuffer& out) : out_(out) {}

  void begin_object() { open("{"); }
  void end_object() { close("}"); }
  void begin_array() { open("["); }
  void end_array() { close("]"); }

  void key(std::string_view name) {
    separate();
    quoted(name);
    out_.append(":");
    first_ = true;
  }
  void string(std::string_view text) {
    separate();
    quoted(text);
  }
  void number(int64_t value);
  void null() {
    separate();
    out_.append("null");
  }
  // A value that is JSON already.
  void raw(std::string_view json) {
    separate();
    out_.append(json);
  }

  void member(std::string_view name, std::string_view text) {
    key(name);
    string(text);
  }
  void member(std::string_view name, int64_t value) {
    key(name);
    number(value);
  }
  // Members that are JSON already, without braces; may be empty.
  void members(std::string_view json) {
    if (!json.empty()) raw(json);
  }

 private:
  void separate() {
    if (!first_) out_.append(",");
    first_ = false;
  }
  void open(std::string_view bracket) {
    separate();
    out_.append(bracket);
    first_ = true;
  }
  void close(std::string_view bracket) {
    out_.append(bracket);
    first_ = false;
  }
  // `text` is UTF-8.
  void quoted(std::string_view text);

  memory::OutputBuffer& out_;
  bool first_ = true;
};

}  // namespace mxd::http
