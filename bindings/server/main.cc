// matrix-devices-server: the command line.
#include <exception>
#include <iostream>
#include <variant>

#include "server/command_line.h"
#include "server/commands.h"
#include "server/serve.h"

namespace {

constexpr const char* kProgram = "matrix-devices-server: ";

int run(const mxd::server::Exit& exit) {
  if (exit.code == 0) {
    std::cout << exit.text;
  } else {
    std::cerr << kProgram << exit.text << " (--help says more)\n";
  }
  return exit.code;
}

int run(const mxd::server::ServeOptions& options) {
  mxd::server::serve(options);
  return 0;
}

int run(const mxd::server::UserOptions& options) {
  mxd::server::manage_user(options);
  return 0;
}

int run(const mxd::server::TokenOptions& options) {
  mxd::server::issue_token(options);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  const mxd::server::Command command = mxd::server::parse_command_line(argc, argv);
  return std::visit([](const auto& wanted) { return run(wanted); }, command);
} catch (const std::exception& error) {
  std::cerr << kProgram << error.what() << "\n";
  return 1;
}
