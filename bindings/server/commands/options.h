// What an operator's command was given.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mxd::server {

// The database, and the library that opens it.
struct DatabaseOptions {
  std::string database;                // empty: as the settings say
  std::string database_password_file;  // empty: as the settings say
  std::string store_file;              // empty: the one that goes with the URL, beside the program
  std::string config_file;             // empty: the defaults
};

// Each command has some of these.
struct OperatorOptions : DatabaseOptions {
  bool json = false;
  bool is_confirmed = false;  // --yes

  std::string name;                  // of a user
  std::vector<std::string> devices;  // IDs
  bool all_devices = false;

  std::string server_name;    // to make the database with; empty: it must be there
  std::string password_file;  // empty: standard input
  bool generates_password = false;
  bool has_no_password = false;
  bool keeps_devices = false;

  std::string device;  // to log in on; empty: a new one
  bool oauth = false;
  std::optional<std::chrono::milliseconds> lifetime;  // without: it does not expire

  std::optional<std::chrono::milliseconds> delete_devices_after;  // without: as the settings say

  DatabaseOptions from, to;  // of a copy

  std::string listen = "127.0.0.1:8008";  // of the server that is asked

  std::string target;  // of a backup
  bool replaces = false;
};

}  // namespace mxd::server
