#include "bindings/server/operation/log_line.h"

#include <algorithm>
#include <boost/json/serializer.hpp>
#include <cstddef>
#include <utility>

#include "bindings/server/http/request_target.h"
#include "matrix_devices/module.h"

namespace mxd::server {
namespace {

constexpr size_t kMaxPath = 1024;
constexpr size_t kUsualLine = 512;

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// Whether it stands for itself in a JSON string (RFC 8259, section 7). How all else is written,
// Boost knows.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\';
  });
}

// Written front to back. A member is given as it stands in the text: `,"name":`.
class Line {
 public:
  Line() { text_.reserve(kUsualLine); }

  void add(std::string_view member, std::string_view value) {
    text_ += member;
    if (is_plain(value)) {
      text_ += '"';
      text_ += value;
      text_ += '"';
    } else {
      add_escaped(value);
    }
  }
  void add_raw(std::string_view member, std::string_view json) {
    text_ += member;
    text_ += json;
  }
  std::string end() && {
    text_ += "}\n";
    return std::move(text_);
  }

 private:
  void add_escaped(std::string_view value) {
    boost::json::serializer serializer;
    serializer.reset(boost::json::string_view(value.data(), value.size()));
    while (!serializer.done()) {
      char memory[kUsualLine];
      text_ += std::string_view(serializer.read(memory));
    }
  }

  std::string text_;
};

std::string_view level_name(int32_t level) {
  switch (level) {
    case MXD_LOG_DEBUG:
      return "debug";
    case MXD_LOG_INFO:
      return "info";
    case MXD_LOG_WARNING:
      return "warning";
    case MXD_LOG_HOST_MISBEHAVING:
      return "host_misbehaving";
    default:
      return "error";
  }
}

// What a client sent may be no UTF-8, and a line of log must be. A part of `path`, or of `storage`
// where something had to be written.
std::string_view printable(std::string_view path, std::string& storage) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  path = path.substr(0, kMaxPath);
  if (std::all_of(path.begin(), path.end(), is_ascii)) return path;
  for (const char c : path) {
    if (is_ascii(c)) {
      storage += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      storage += '%';
      storage += kHex[byte >> 4];
      storage += kHex[byte & 15];
    }
  }
  return storage;
}

}  // namespace

std::string log_line(std::string_view timestamp, const RequestLine& request) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(request.duration).count();
  std::string path;
  Line line;
  line.add(R"({"ts":)", timestamp);
  line.add(R"(,"method":)", request.method);
  line.add(R"(,"path":)", printable(RequestTarget(request.target).path(), path));
  line.add_raw(R"(,"status":)", std::to_string(request.status));
  line.add_raw(R"(,"bytes":)", std::to_string(request.bytes));
  line.add_raw(R"(,"duration_us":)", std::to_string(us));
  line.add(R"(,"remote_addr":)", request.remote_addr);
  if (request.cut) line.add_raw(R"(,"cut":)", "true");
  return std::move(line).end();
}

std::string log_line(std::string_view timestamp, int32_t level, std::string_view message) {
  Line line;
  line.add(R"({"ts":)", timestamp);
  line.add(R"(,"level":)", level_name(level));
  line.add(R"(,"message":)", message);
  return std::move(line).end();
}

}  // namespace mxd::server
