#include "bindings/server/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "bindings/server/database_choice.h"
#include "bindings/server/description/description.h"
#include "bindings/server/option_checks.h"

namespace mxd::server {
namespace {

// The options as text, where CLI11 puts them.
struct Raw {
  std::string listen = "127.0.0.1:8008";
  std::string metrics_listen;
  std::optional<std::chrono::milliseconds> access_token_lifetime;
  std::vector<std::string> trusted_proxies;
  ServeOptions serve;
};

void describe_database(CLI::App& app, DatabaseOptions& options) {
  app.add_option("--database", options.database,
                 "SQLite file, or the URL or libpq key words of a database; else that of the "
                 "environment's MXD_DATABASE, or of the settings")
      ->type_name("FILE|URL");
  app.add_option("--database-password-file", options.database_password_file,
                 "The first line of this file is the password of a PostgreSQL database")
      ->type_name("FILE");
  app.add_option("--store", options.store_file,
                 "The library that opens the database; by default the one for its URL, beside this "
                 "program or in ../lib")
      ->type_name("LIBRARY");
  app.add_option("--config", options.config_file,
                 "Settings of the server and the module (JSON), among them the database")
      ->type_name("FILE");
}

// What is wrong with the database that was given.
const char* mistake_in(const DatabaseOptions& options) {
  return names_database(options) ? mistake_in_database(options.database)
                                 : "--database FILE is required";
}

void describe_serving(CLI::App& app, Raw& raw) {
  app.add_option("--listen", raw.listen, "Where to listen; port 0: any, printed on standard output")
      ->check(listen_address())
      ->capture_default_str();
  app.add_option("--metrics-listen", raw.metrics_listen,
                 "Where GET /metrics is answered, for Prometheus; by default nowhere")
      ->check(listen_address());
  describe_database(app, raw.serve);
  app.add_option("--server-name", raw.serve.server_name,
                 "The part of user IDs after the colon, such as example.org")
      ->type_name("NAME");
  app.add_flag("--open-registration", raw.serve.open_registration,
               "Let anybody register accounts and guests");
  app.add_option("--appservice", raw.serve.registration_files,
                 "Registration of an application service (YAML); SIGHUP reads it again; may be "
                 "repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_duration(app, "--access-token-lifetime", raw.access_token_lifetime,
               "Of access tokens that can be refreshed (default 10m)");
  add_duration(app, "--delete-devices-after", raw.serve.delete_devices_after,
               "Delete devices that were unused for so long, such as 365d (default: never)");
  app.add_option("--log-file", raw.serve.log_file,
                 "Where the log goes, instead of standard error; SIGHUP opens it again")
      ->type_name("FILE");
  app.add_option("--module", raw.serve.module_file,
                 "The module; by default libmatrix_devices.so beside this program or in ../lib")
      ->type_name("FILE");
  app.add_option(
         "--trust-proxy", raw.trusted_proxies,
         "Take the client's address from X-Forwarded-For when a peer of this address or "
         "network (unix: on a Unix socket) sends it; several with commas between, or repeated")
      ->delimiter(',')
      ->check(network())
      ->allow_extra_args(false);
  app.add_flag("--no-rate-limits", raw.serve.no_rate_limits,
               "For test servers: do not limit attempts at /login, /register and /refresh");
}

constexpr const char* kProgram = "matrix-devices-server";

constexpr const char* kExitStatuses =
    "Exit status: 0 done, 1 failed, 2 usage, 3 no such user, device or token, 4 refused or not "
    "confirmed";

// A line each, with the program's name and what stands before it.
std::string examples_of(const CommandEntry& entry, std::string_view before) {
  std::string text;
  std::istringstream examples(entry.examples);
  for (std::string line; std::getline(examples, line);)
    text += std::string(before) + kProgram + " " + line + "\n";
  return text;
}

std::string footer_of(const CommandEntry& entry) {
  return "Examples:\n" + examples_of(entry, "  ") + "\n" + kExitStatuses;
}

struct Subcommand {
  const CommandEntry* entry;
  const CLI::App* app;
};

// "user", "device", "token" and "config" are groups of commands.
constexpr std::pair<const char*, const char*> kGroups[] = {
    {"user", "Accounts: make, list, show, lock, suspend, deactivate, set a password"},
    {"device", "Devices of an account: list, delete"},
    {"token", "Access tokens: issue, revoke"},
    {"config", "The settings: their JSON schema"}};

std::vector<Subcommand> describe_commands(CLI::App& app, OperatorOptions& options) {
  std::map<std::string_view, CLI::App*> groups{{"", &app}};
  for (const auto& [name, description] : kGroups) {
    groups[name] = app.add_subcommand(name, description)->require_subcommand(1);
    groups[name]->footer("Each has a --help of its own, with examples.");
  }
  std::vector<Subcommand> commands;
  for (const auto entries :
       {user_commands(), device_commands(), token_commands(), database_commands(), copy_commands(),
        config_commands(), health_commands()}) {
    for (const CommandEntry& entry : entries) {
      CLI::App* const command =
          groups.at(entry.group)->add_subcommand(entry.name, entry.description);
      entry.describe(*command, options);
      if (!entry.has_own_databases) describe_database(*command, options);
      command->add_flag("--json", options.json, "Print JSON: one document");
      command->footer(footer_of(entry));
      commands.push_back({&entry, command});
    }
  }
  return commands;
}

// Writes the command line out; what it can be written as.
constexpr std::pair<const char*, std::string (*)(const description::Program&)> kForms[] = {
    {"man", description::man_page},
    {"bash", description::bash_completion},
    {"zsh", description::zsh_completion},
    {"fish", description::fish_completion}};

CLI::App* add_describe(CLI::App& app, std::string& form) {
  CLI::App* const describe = app.add_subcommand(
      "describe",
      "Print this command line as a manual page (man), or as completions for a shell: bash, zsh, "
      "fish.");
  std::vector<std::string> forms;
  for (const auto& [name, write] : kForms)
    forms.emplace_back(name);
  describe->add_option("FORM", form, "What is printed")->required()->check(CLI::IsMember(forms));
  return describe;
}

std::string described(const CLI::App& app, const std::vector<Subcommand>& commands,
                      const CLI::App& describe, const std::string& form) {
  description::Program program{
      kProgram, MXD_SERVER_VERSION, app.get_description(), kExitStatuses, {}, {}};
  for (const auto& [name, description] : kGroups)
    program.groups.push_back({name, description});
  program.commands.push_back(description::command_of("", app, ""));
  for (const auto& [entry, command] : commands) {
    const std::string group = entry->group;
    program.commands.push_back(description::command_of(
        (group.empty() ? "" : group + " ") + entry->name, *command, examples_of(*entry, "")));
  }
  program.commands.push_back(description::command_of("describe", describe, ""));
  const auto* const wanted =
      std::find_if(std::begin(kForms), std::end(kForms),
                   [&](const auto& candidate) { return candidate.first == form; });
  return wanted->second(program);
}

Command serving(Raw& raw) {
  if (const char* const mistake = mistake_in(raw.serve)) return Exit{2, mistake};
  if (raw.serve.server_name.empty()) return Exit{2, "--server-name NAME is required"};
  raw.serve.listen = *parse_listen_address(raw.listen);
  if (!raw.metrics_listen.empty()) {
    raw.serve.metrics_listen = parse_listen_address(raw.metrics_listen);
  }
  if (raw.access_token_lifetime) {
    raw.serve.access_token_lifetime = *raw.access_token_lifetime;
    if (raw.access_token_lifetime->count() == 0) {
      return Exit{2, "--access-token-lifetime: must be more than 0s"};
    }
  }
  for (const std::string& proxy : raw.trusted_proxies)
    raw.serve.trusted_proxies.push_back(*Network::parse(proxy));
  return raw.serve;
}

Command operating(const CommandEntry& entry, OperatorOptions& options) {
  const char* mistake = entry.has_own_databases ? nullptr : mistake_in(options);
  if (mistake == nullptr && entry.mistake != nullptr) mistake = entry.mistake(options);
  if (mistake != nullptr) return Exit{2, mistake, options.json};
  return OperatorCommand{&entry, options};
}

// Where a command line can't be read, whether JSON is wanted can be seen all the same.
bool wants_json(int argc, const char* const* argv) {
  return std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
}

// What CLI11 says of a command that there is not does not name it.
std::optional<std::string> unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* at = &app;
  std::string named;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) break;
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* command) {
      return command->get_name() == argv[i];
    });
    named += (named.empty() ? "" : " ") + std::string(argv[i]);
    if (found == commands.end()) return "there is no command " + named;
    at = *found;
  }
  return std::nullopt;
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  Raw raw;
  OperatorOptions options;
  CLI::App app("A Matrix server of nothing but accounts and devices", kProgram);
  app.set_version_flag("--version", std::string(kProgram) + " " MXD_SERVER_VERSION);
  app.require_subcommand(0, 1);
  app.footer("Without a command it serves. Each command has a --help of its own, with examples.");
  describe_serving(app, raw);
  const std::vector<Subcommand> commands = describe_commands(app, options);
  std::string form;
  const CLI::App* const describe = add_describe(app, form);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Exit{0, app.help()};
  } catch (const CLI::CallForVersion&) {
    return Exit{0, app.version() + "\n"};
  } catch (const CLI::ParseError& error) {
    return Exit{2, unknown_command(app, argc, argv).value_or(error.what()), wants_json(argc, argv)};
  }
  for (const Subcommand& command : commands) {
    if (command.app->parsed()) return operating(*command.entry, options);
  }
  if (describe->parsed()) return Exit{0, described(app, commands, *describe, form)};
  return serving(raw);
}

}  // namespace mxd::server
