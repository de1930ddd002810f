// A line of the log, as text: one JSON object and a line break. Strings from outside are escaped
// as JSON has it, so that none of them ends the line or the string that it stands in. All functions
// throw std::bad_alloc only. [any-thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mxd::server {

struct RequestLine {
  std::string_view method;
  std::string_view target;  // its query is not logged: it may hold an access token
  unsigned status = 0;
  uint64_t bytes = 0;  // of the response's body
  std::chrono::steady_clock::duration duration{};
  std::string_view remote_addr;
  bool cut = false;  // the client did not get all of the answer
};

// `timestamp` as RFC 3339 has it.
std::string log_line(std::string_view timestamp, const RequestLine& request);

// `level` is one of MXD_LOG_*. A message that is no UTF-8 stays so.
std::string log_line(std::string_view timestamp, int32_t level, std::string_view message);

}  // namespace mxd::server
