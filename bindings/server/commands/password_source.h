// Where the password of an account comes from: never from the command line, which others can see.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "bindings/server/commands/options.h"

namespace mxd::server {

void describe_password(CLI::App& app, OperatorOptions& options);

// Asked for twice at a terminal; else the first line of standard input or of the file; or made.
// Throws Failure.
std::string new_password(const OperatorOptions& options);

}  // namespace mxd::server
