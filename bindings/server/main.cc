// matrix-devices-server: the command line.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <variant>

#include "bindings/server/command_line.h"
#include "bindings/server/serve.h"

namespace {

int run(const mxd::server::Exit& exit) {
  if (exit.code != 0)
    return mxd::server::tell_mistake(exit.text + " (--help says more)", exit.json);
  std::cout << exit.text;
  return 0;
}

int run(const mxd::server::ServeOptions& options) {
  return mxd::server::serve(options);
}

// Where somebody closed one of them, the next file that is opened would take its place: the
// database would be standard error. accounts.md, O8
void open_standard_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) != -1) continue;
    const int opened = ::open("/dev/null", O_RDWR);
    if (opened != file) throw std::runtime_error("/dev/null cannot be opened");
  }
}

}  // namespace

int main(int argc, char** argv) try {
  open_standard_files();
  const mxd::server::Command command = mxd::server::parse_command_line(argc, argv);
  return std::visit([](const auto& wanted) { return run(wanted); }, command);
} catch (const std::exception& error) {
  std::cerr << "matrix-devices-server: " << error.what() << "\n";
  return 1;
}
