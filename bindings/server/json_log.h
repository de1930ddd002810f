// The log: one JSON object a line, on standard error.
//
// Lines go into a bounded buffer; a thread of its own writes them, so that a slow terminal or pipe
// never holds up an event loop. Of what does not fit, only the number is kept. The process has one
// log, because the module's log callback carries nothing that could name another.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

namespace mxd::server {

// The thread that writes. Without one, as in the commands, a line is written at once.
class LogWriter {
 public:
  LogWriter();
  ~LogWriter();  // writes what is left
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

 private:
  std::thread thread_;
};

struct RequestLine {
  std::string_view method;
  std::string_view target;  // its query is not logged: it may hold an access token
  unsigned status = 0;
  std::uint64_t bytes = 0;  // of the response's body
  std::chrono::steady_clock::duration duration{};
  std::string_view remote_addr;
  bool cut = false;  // the client did not get all of the answer
};

// Both are called where an exception is being handled, and throw none: a line that there is no
// memory for is dropped, and counted like one that does not fit. [any-thread]
void log_request(const RequestLine& line) noexcept;

// A line of text. `level` is one of MXD_LOG_*.
void log_message(std::int32_t level, std::string_view message) noexcept;

}  // namespace mxd::server
