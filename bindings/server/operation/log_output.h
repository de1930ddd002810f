// Where the log goes: a file, a pipe, a socket or a terminal that may be full, slow or gone.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mxd::server {

// Not for two threads at once.
class LogOutput {
 public:
  static LogOutput standard_error();
  // Lines are added to its end; made for its owner only if it is not there. Throws
  // std::runtime_error.
  static LogOutput file(const std::string& path);

  LogOutput(LogOutput&& other) noexcept;
  LogOutput& operator=(LogOutput&& other) noexcept;
  ~LogOutput();

  // Writes whole lines, in their order, and returns what is left of them: nothing, or what cannot
  // be written now. Where others read, it waits until they have; between, about twice a second, it
  // asks whether it shall.
  std::string_view write(std::string_view lines, absl::FunctionRef<bool()> shall_wait) noexcept;

 private:
  LogOutput(int descriptor, bool is_owned);

  int descriptor_;
  bool is_owned_;
  bool blocks_;          // a write of more than there is room for would wait
  bool is_cut_ = false;  // within a line
};

}  // namespace mxd::server
