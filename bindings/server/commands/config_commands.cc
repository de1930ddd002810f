#include "bindings/server/commands/command.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/configuration_schema.h"

namespace mxd::server {
namespace {

void describe_nothing(CLI::App&, OperatorOptions&) {}

int print_schema(const OperatorOptions&) {
  print_line(configuration_schema());
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"config", "schema",
     "Print the JSON schema of the settings (--config): for editors, and to check a file before "
     "the server reads it. It is of this version of the server and its module.",
     "config schema >configuration.schema.json", describe_nothing, nullptr, print_schema, true},
};

}  // namespace

std::span<const CommandEntry> config_commands() {
  return kCommands;
}

}  // namespace mxd::server
