// What was asked for on the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bindings/server/http/client_address.h"
#include "bindings/server/http/listen_address.h"

namespace mxd::server {

// The database, and the library that opens it.
struct DatabaseOptions {
  std::string database;    // a URL, or a file name
  std::string store_file;  // empty: the one that goes with the URL, beside the program
};

struct ServeOptions : DatabaseOptions {
  ListenAddress listen;
  std::optional<ListenAddress> metrics_listen;
  std::string server_name;
  bool open_registration = false;
  std::vector<std::string> registration_files;
  std::string config_file;                                        // empty: the module's defaults
  std::chrono::milliseconds access_token_lifetime{0};             // 0: the store's default
  std::optional<std::chrono::milliseconds> delete_devices_after;  // without: as the settings say
  std::string log_file;                                           // empty: standard error
  std::string module_file;                                        // empty: beside the program
  std::vector<Network> trusted_proxies;
  bool no_rate_limits = false;  // of what anybody may try
};

struct UserOptions : DatabaseOptions {
  std::string action;  // add, list, lock, unlock, suspend, unsuspend, deactivate
  std::string name;    // empty for list
};

struct TokenOptions : DatabaseOptions {
  std::string name;
  std::string device;  // empty: a new one
  bool oauth = false;
  std::optional<std::chrono::milliseconds> lifetime;  // without: it does not expire
};

// Nothing to do but to print `text` and exit: help, version, or a mistake (code 2).
struct Exit {
  int code = 0;
  std::string text;
};

using Command = std::variant<ServeOptions, UserOptions, TokenOptions, Exit>;

Command parse_command_line(int argc, const char* const* argv);

}  // namespace mxd::server
