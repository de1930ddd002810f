// The log: one JSON object a line, on standard error or in a file.
//
// Lines go into a bounded buffer; a thread of its own writes them, so that a slow terminal, pipe or
// disk never holds up an event loop. Of lines that could not be written the number is kept, and is
// logged as soon as that is possible. The process has one log, because the module's log callback
// carries nothing that could name another.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

#include "bindings/server/operation/log_line.h"
#include "bindings/server/operation/log_output.h"

namespace mxd::server {

// The thread that writes. Without one, as in the commands, a line is written at once, to standard
// error.
class LogWriter {
 public:
  explicit LogWriter(LogOutput output);
  ~LogWriter();  // as finish()
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // What is not written yet, and what comes, goes there. [any-thread]
  void replace(LogOutput output);

  // Writes what is left, but waits a second at most for those who read it. Returns how many lines
  // could not be written.
  uint64_t finish();

 private:
  std::thread thread_;
};

// Both are called where an exception is being handled, and throw none: a line that there is no
// memory for is lost, and counted. [any-thread]
void log_request(const RequestLine& line) noexcept;

// A line of text. `level` is one of MXD_LOG_*.
void log_message(int32_t level, std::string_view message) noexcept;

// "what: why", an error. [any-thread]
void log_failure(std::string_view what, std::string_view why) noexcept;

// Since the process began: lines that could not be written. [any-thread]
uint64_t lost_log_lines() noexcept;

// Returns when every line up to now is written or lost, or after `most`. [any-thread]
void wait_for_log(std::chrono::milliseconds most) noexcept;

}  // namespace mxd::server
