#include "bindings/server/command_line.h"

#include <CLI/CLI.hpp>

#include "bindings/server/duration.h"

namespace mxd::server {
namespace {

const CLI::Validator& duration() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return parse_duration(text) ? std::string()
                                    : "not a duration such as 90s, 10m, 1h, 30d: " + text;
      },
      "DURATION");
  return validator;
}

const CLI::Validator& listen_address() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return parse_listen_address(text)
                   ? std::string()
                   : "not an address and port such as 127.0.0.1:8008 or [::1]:0, nor "
                     "unix:PATH: " +
                         text;
      },
      "ADDRESS:PORT|unix:PATH");
  return validator;
}

const CLI::Validator& network() {
  static const CLI::Validator validator(
      [](std::string& text) {
        return Network::parse(text) ? std::string()
                                    : "not an IP address or network such as 192.0.2.1, "
                                      "172.16.0.0/12, fd00::/8, nor unix: " +
                                          text;
      },
      "NETWORK");
  return validator;
}

// The options as text, where CLI11 puts them.
struct Raw {
  std::string listen = "127.0.0.1:8008";
  std::string metrics_listen;
  std::string access_token_lifetime;
  std::string delete_devices_after;
  std::string token_lifetime;
  std::vector<std::string> trusted_proxies;
  ServeOptions serve;
  UserOptions user;
  TokenOptions token;
};

CLI::Option* describe_database(CLI::App& app, DatabaseOptions& options) {
  app.add_option("--store", options.store_file,
                 "The library that opens the database; by default the one for its URL, beside this "
                 "program or in ../lib")
      ->type_name("LIBRARY");
  return app
      .add_option("--database", options.database,
                  "SQLite file, or the URL of a database; the server makes it if it is not there")
      ->type_name("FILE");
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
  app.add_option("--config", raw.serve.config_file,
                 "Settings of the server and the module (JSON); SIGHUP reads them again")
      ->type_name("FILE");
  app.add_option("--access-token-lifetime", raw.access_token_lifetime,
                 "Of access tokens that can be refreshed (default 10m)")
      ->check(duration());
  app.add_option("--delete-devices-after", raw.delete_devices_after,
                 "Delete devices that were unused for so long, such as 365d (default: never)")
      ->check(duration());
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

CLI::App* describe_user(CLI::App& app, Raw& raw) {
  CLI::App* const user = app.add_subcommand(
      "user",
      "Manage accounts, also while a server runs; add reads the password from standard "
      "input");
  user->add_option("ACTION", raw.user.action, "What to do")
      ->required()
      ->check(
          CLI::IsMember({"add", "list", "lock", "unlock", "suspend", "unsuspend", "deactivate"}));
  user->add_option("NAME", raw.user.name, "A localpart or a user ID; not for list");
  describe_database(*user, raw.user)->required();
  return user;
}

CLI::App* describe_token(CLI::App& app, Raw& raw) {
  CLI::App* const token = app.add_subcommand("token", "Issue access tokens");
  token->require_subcommand(1);
  CLI::App* const issue = token->add_subcommand("issue", "Print a new access token");
  issue->add_option("NAME", raw.token.name, "A localpart or a user ID")->required();
  describe_database(*issue, raw.token)->required();
  issue->add_option("--device", raw.token.device, "Whose old tokens die; by default a new device")
      ->type_name("ID");
  issue->add_flag("--oauth", raw.token.oauth, "A token of the OAuth kind");
  issue->add_option("--lifetime", raw.token_lifetime, "By default it does not expire; 0s: it has")
      ->check(duration());
  return token;
}

Command serving(Raw& raw) {
  if (raw.serve.database.empty()) return Exit{2, "--database FILE is required"};
  if (raw.serve.server_name.empty()) return Exit{2, "--server-name NAME is required"};
  raw.serve.listen = *parse_listen_address(raw.listen);
  if (!raw.metrics_listen.empty()) {
    raw.serve.metrics_listen = parse_listen_address(raw.metrics_listen);
  }
  if (!raw.access_token_lifetime.empty()) {
    raw.serve.access_token_lifetime = *parse_duration(raw.access_token_lifetime);
    if (raw.serve.access_token_lifetime.count() == 0) {
      return Exit{2, "--access-token-lifetime: must be more than 0s"};
    }
  }
  if (!raw.delete_devices_after.empty()) {
    raw.serve.delete_devices_after = parse_duration(raw.delete_devices_after);
  }
  for (const std::string& proxy : raw.trusted_proxies)
    raw.serve.trusted_proxies.push_back(*Network::parse(proxy));
  return raw.serve;
}

Command managing_user(const Raw& raw) {
  const bool list = raw.user.action == "list";
  if (!list && raw.user.name.empty())
    return Exit{2, "user " + raw.user.action + ": NAME is required"};
  if (list && !raw.user.name.empty()) return Exit{2, "user list: takes no NAME"};
  return raw.user;
}

Command issuing_token(Raw& raw) {
  if (!raw.token_lifetime.empty()) raw.token.lifetime = parse_duration(raw.token_lifetime);
  return raw.token;
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  Raw raw;
  CLI::App app("A Matrix server of nothing but accounts and devices", "matrix-devices-server");
  app.set_version_flag("--version", "matrix-devices-server " MXD_SERVER_VERSION);
  app.require_subcommand(0, 1);
  describe_serving(app, raw);
  const CLI::App* const user = describe_user(app, raw);
  const CLI::App* const token = describe_token(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Exit{0, app.help()};
  } catch (const CLI::CallForVersion&) {
    return Exit{0, app.version() + "\n"};
  } catch (const CLI::ParseError& error) {
    return Exit{2, error.what()};
  }
  if (user->parsed()) return managing_user(raw);
  if (token->parsed()) return issuing_token(raw);
  return serving(raw);
}

}  // namespace mxd::server
