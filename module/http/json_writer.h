#pragma once

#include <cstdint>
#include <string_view>

#include "module/http/ascii.h"
#include "module/memory/output_buffer.h"

namespace mxd::http {

// The name of a member as JSON shows it: a constant, which needs no escapes.
class Name {
 public:
  // None: of what is no member.
  constexpr Name() = default;

  template <size_t size>
  consteval Name(const char (&name)[size]) {  // NOLINT(google-explicit-constructor)
    append('"');
    for (const char c : std::string_view(name, size - 1)) {
      if (find_unfit_for_json(each(static_cast<unsigned char>(c))) != 0) throw "needs escapes";
      append(c);
    }
    append('"');
    append(':');
  }

  // Room for any.
  static constexpr size_t kRoom = 24;

  // Writes it, after a comma unless it is the first. Where it ends. All of the room is copied: that
  // is a few moves, where so many bytes as it has would be a call.
  char* write(char* to, bool first) const noexcept {
    std::memcpy(to, text_ + first, kRoom);
    return to + size_ - first;
  }

 private:
  constexpr void append(char c) { text_[size_++] = c; }

  char text_[kRoom + 1] = {','};
  size_t size_ = 1;
};

// Writes JSON front to back into a buffer. The caller sees to the nesting; commas are written
// where they belong. All functions throw std::bad_alloc.
class JsonWriter {
 public:
  explicit JsonWriter(memory::OutputBuffer& out) : out_(out) {}

  void begin_object() { open("{"); }
  void end_object() { close("}"); }
  void begin_array() { open("["); }
  void end_array() { close("]"); }

  void key(const Name& name) {
    char* const to = out_.room(Name::kRoom);
    out_.advance(static_cast<size_t>(name.write(to, first_) - to));
    first_ = true;
  }
  // A key that is no constant.
  void escaped_key(std::string_view name) {
    string(name);
    out_.append(":");
    first_ = true;
  }
  // False, and nothing of it is written: it is not UTF-8.
  bool string(std::string_view text) { return member(Name(), text); }
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

  // As string().
  bool member(const Name& name, std::string_view text);
  void member(const Name& name, int64_t value) {
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
  bool escaped(std::string_view text);

  memory::OutputBuffer& out_;
  bool first_ = true;
};

}  // namespace mxd::http
