// What the values of options look like, for CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace mxd::server {

const CLI::Validator& listen_address();
const CLI::Validator& network();

// An option with a duration, which goes to `out`.
void add_duration(CLI::App& app, const std::string& name,
                  std::optional<std::chrono::milliseconds>& out, const std::string& description);

}  // namespace mxd::server
