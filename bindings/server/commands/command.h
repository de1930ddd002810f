// The commands for operators: accounts, devices, tokens and the database, of a server that may be
// running.
#pragma once

#include <CLI/CLI.hpp>
#include <span>

#include "bindings/server/commands/options.h"

namespace mxd::server {

// One command, as the command line knows it. All have --json, and but for those with databases of
// their own, or with none, --database and --store.
struct CommandEntry {
  const char* group;  // "user", "device", "token", "config"; "": none
  const char* name;
  const char* description;
  const char* examples;                            // a line each, without the program's name
  void (*describe)(CLI::App&, OperatorOptions&);   // its options
  const char* (*mistake)(const OperatorOptions&);  // in what was given; NULL: none
  int (*run)(const OperatorOptions&);              // its exit status; throws Failure, Error
  bool has_own_databases = false;                  // or none: not the options that all others have
};

std::span<const CommandEntry> user_commands();
std::span<const CommandEntry> device_commands();
std::span<const CommandEntry> token_commands();
std::span<const CommandEntry> database_commands();
std::span<const CommandEntry> copy_commands();
std::span<const CommandEntry> config_commands();
std::span<const CommandEntry> health_commands();

// One that was chosen.
struct OperatorCommand {
  const CommandEntry* entry;
  OperatorOptions options;
};

// Its exit status. What went wrong is told on standard error, as JSON if that is wanted.
int run(const OperatorCommand& command);

// The same for a mistake on the command line.
int tell_mistake(const std::string& text, bool json);

}  // namespace mxd::server
