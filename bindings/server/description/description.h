// The server's command line as data, and its manual page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "bindings/description/program.h"

namespace mxd::description {

Command command_of(std::string words, const CLI::App& app, std::string examples);

// The manual page, section 8, in the man macros.
std::string man_page(const Program& program);

}  // namespace mxd::description
