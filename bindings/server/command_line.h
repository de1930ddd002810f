// What was asked for on the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bindings/server/commands/command.h"
#include "bindings/server/http/client_address.h"
#include "bindings/server/http/listen_address.h"

namespace mxd::server {

struct ServeOptions : DatabaseOptions {
  ListenAddress listen;
  std::optional<ListenAddress> metrics_listen;
  std::string server_name;
  bool open_registration = false;
  std::vector<std::string> registration_files;
  std::chrono::milliseconds access_token_lifetime{0};             // 0: the store's default
  std::optional<std::chrono::milliseconds> delete_devices_after;  // without: as the settings say
  std::string log_file;                                           // empty: standard error
  std::string module_file;                                        // empty: beside the program
  std::vector<Network> trusted_proxies;
  bool no_rate_limits = false;  // of what anybody may try
};

// Nothing to do but to print `text` and exit: help, version, or a mistake (code 2).
struct Exit {
  int code = 0;
  std::string text;
  bool json = false;  // how a mistake is told
};

using Command = std::variant<ServeOptions, OperatorCommand, Exit>;

Command parse_command_line(int argc, const char* const* argv);

}  // namespace mxd::server
