#include <unistd.h>

#include "bindings/server/commands/account.h"
#include "bindings/server/commands/command.h"
#include "bindings/server/commands/devices.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/commands/terminal.h"
#include "bindings/server/option_checks.h"

namespace mxd::server {
namespace {

void describe_issue(CLI::App& app, OperatorOptions& options) {
  app.add_option("NAME", options.name, "A localpart or a user ID")->required();
  app.add_option("--device", options.device, "Whose old tokens die; by default a new device")
      ->type_name("ID");
  app.add_flag("--oauth", options.oauth, "A token of the OAuth kind");
  add_duration(app, "--lifetime", options.lifetime, "By default it does not expire; 0s: it has");
}

int issue(const OperatorOptions& options) {
  const Store store = open_database(options);
  auto login = make<mxd_store_login>();
  login.flags = options.oauth ? MXD_STORE_LOGIN_OAUTH : 0;
  login.lifetime_ms = options.lifetime ? options.lifetime->count() : -1;
  login.name = view(options.name);
  login.device_id = view(options.device);
  auto tokens = make<mxd_store_tokens>();
  check(store.call(&mxd_store_library::login, &login, &tokens));
  if (!options.json) {
    print_line(tokens.access_token);
    return kDone;
  }
  boost::json::object json{{"user_id", tokens.user_id},
                           {"device_id", tokens.device_id},
                           {"access_token", tokens.access_token},
                           {"expires_in_ms", nullptr}};
  if (tokens.expires_in_ms >= 0) json["expires_in_ms"] = tokens.expires_in_ms;
  print_json(json);
  return kDone;
}

const char* mistake_in_revoke(const OperatorOptions& options) {
  if (options.name.empty()) {
    return options.all_devices ? "NAME is required with --all" : nullptr;
  }
  return mistake_in_devices(options);
}

Store::Said revoke_that_of_input(const Store& store, mxd_store_affected& affected) {
  const std::string typed = is_terminal(STDIN_FILENO) ? ask_hidden("Token: ") : read_line();
  if (typed.empty()) {
    throw Failure(kMistake,
                  "no token: write it on the first line of standard input, or name a "
                  "user and devices");
  }
  auto token = make<mxd_store_token>();
  token.token = view(typed);
  return store.call(&mxd_store_library::revoke_token, &token, &affected);
}

int revoke(const OperatorOptions& options) {
  const Store store = open_database(options);
  auto affected = make<mxd_store_affected>();
  if (options.name.empty()) {
    check(revoke_that_of_input(store, affected));
  } else {
    const DeviceList devices(options.name, options);
    check(store.call(&mxd_store_library::revoke_devices, devices.get(), &affected));
  }
  const std::string device_id = affected.device_id;
  if (options.json) {
    boost::json::object json{
        {"user_id", affected.user_id}, {"device_id", nullptr}, {"revoked", affected.device_count}};
    if (!device_id.empty()) json["device_id"] = device_id;
    print_json(json);
  } else {
    print_line("revoked the tokens of " + count_of(affected.device_count, "device") +
               (device_id.empty() ? "" : " (" + printable(device_id) + ")") + " of " +
               affected.user_id);
  }
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"token", "issue",
     "Log a user in and print the access token, once: for operators and tests. With the ID of a "
     "device that is there its old tokens die, as with a login.",
     "token issue alice --database devices.db\n"
     "token issue alice --device LAPTOP --lifetime 1h --json --database devices.db",
     describe_issue, nullptr, issue},
    {"token", "revoke",
     "End the tokens of devices, which stay with their keys: their users log in again and lose "
     "nothing. Without a NAME the device of a token, which is asked for or is the first line of "
     "standard input: an access token or a refresh token that was leaked.",
     "token revoke --database devices.db <token.txt\n"
     "token revoke alice JLAFKJWSCS --database devices.db\n"
     "token revoke alice --all --database devices.db",
     describe_devices, mistake_in_revoke, revoke},
};

}  // namespace

std::span<const CommandEntry> token_commands() {
  return kCommands;
}

}  // namespace mxd::server
