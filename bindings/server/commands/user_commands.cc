#include <iostream>

#include "bindings/server/commands/account.h"
#include "bindings/server/commands/command.h"
#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"
#include "bindings/server/commands/password_source.h"
#include "bindings/server/commands/terminal.h"

namespace mxd::server {
namespace {

void describe_name(CLI::App& app, OperatorOptions& options) {
  app.add_option("NAME", options.name, "A localpart or a user ID")->required();
}

void describe_deletion(CLI::App& app, OperatorOptions& options) {
  describe_name(app, options);
  app.add_flag("--yes", options.is_confirmed, "Do not ask: it can't be undone");
}

// ---- add ----

void describe_add(CLI::App& app, OperatorOptions& options) {
  describe_name(app, options);
  app.add_option("--server-name", options.server_name,
                 "Make the database, if it is not there: the part of user IDs after the colon")
      ->type_name("DOMAIN");
  describe_password(app, options);
  app.add_flag("--no-password", options.has_no_password,
               "Nobody can log in with a password: for bots, with `token issue`");
}

const char* mistake_in_add(const OperatorOptions& options) {
  const bool has_source = !options.password_file.empty() || options.generates_password;
  return options.has_no_password && has_source ? "--no-password excludes the other options"
                                               : nullptr;
}

// The password is shown where it was made here, and nowhere else.
void show_with_password(const OperatorOptions& options, boost::json::object json,
                        const std::string& user_id, const std::string& password) {
  if (options.generates_password) json["password"] = password;
  if (options.json) return print_json(json);
  print_line(user_id);
  if (options.generates_password) print_line(password);
}

int add(const OperatorOptions& options) {
  const Store store = open_database(options);
  const std::string password = options.has_no_password ? "" : new_password(options);
  auto account = make<mxd_store_new_account>();
  account.name = view(options.name);
  account.password = view(password);
  auto user = make<mxd_store_user>();
  check(store.call(&mxd_store_library::add_account, &account, &user));
  show_with_password(options, {{"user_id", user.user_id}}, user.user_id, password);
  return kDone;
}

// ---- list, show ----

void describe_nothing(CLI::App&, OperatorOptions&) {}

int list(const OperatorOptions& options) {
  const Store store = open_database(options);
  Listing listing(options.json, "users", {"USER", "STATE", "DEVICES", "LAST SEEN", "CREATED"});
  const auto all = make<mxd_store_account_query>();
  const auto visit = [](mxd_cookie cookie, const mxd_store_account* record) noexcept -> int32_t {
    const Account account(*record);
    const bool is_read = reinterpret_cast<Listing*>(cookie)->add(
        account.json(), {account.user_id, account.state(), std::to_string(account.device_count),
                         time_text(account.last_seen_ms), time_text(account.created_ms)});
    return is_read ? MXD_OK : MXD_CANCELLED;
  };
  const Store::Said said = store.call(&mxd_store_library::list_accounts, &all, +visit,
                                      reinterpret_cast<mxd_cookie>(&listing));
  if (said.status == MXD_CANCELLED) return kFailed;  // nobody reads: flush_output() says so
  check(said);
  listing.finish();
  return kDone;
}

int show(const OperatorOptions& options) {
  const Store store = open_database(options);
  const Account account = find_account(store, options.name);
  if (options.json) {
    print_json(account.json());
    return kDone;
  }
  const auto line = [](const std::string& key, const std::string& value) {
    print_line(key + std::string(12 - key.size(), ' ') + printable(value));
  };
  line("User", account.user_id);
  line("State", account.state().empty() ? "active" : account.state());
  if (!account.service_id.empty()) line("Appservice", account.service_id);
  line("Password", (account.flags & MXD_STORE_ACCOUNT_HAS_PASSWORD) != 0 ? "yes" : "none");
  line("Devices", std::to_string(account.device_count));
  line("Last seen", time_text(account.last_seen_ms));
  line("Created", time_text(account.created_ms));
  return kDone;
}

// ---- lock, unlock, suspend, unsuspend, deactivate ----

// What an account is from now on.
void tell_state(const OperatorOptions& options, const Store& store, const std::string& name) {
  const Account account = find_account(store, name);
  if (options.json) return print_json(account.json());
  print_line(account.user_id + ": " + (account.state().empty() ? "active" : account.state()));
}

int change(const OperatorOptions& options, uint32_t set, uint32_t clear) {
  const Store store = open_database(options);
  auto change = make<mxd_store_account_change>();
  change.set = set;
  change.clear = clear;
  change.name = view(options.name);
  check(store.call(&mxd_store_library::change_account, &change));
  tell_state(options, store, options.name);
  return kDone;
}

int lock(const OperatorOptions& options) {
  return change(options, MXD_STORE_ACCOUNT_LOCKED, 0);
}

int unlock(const OperatorOptions& options) {
  return change(options, 0, MXD_STORE_ACCOUNT_LOCKED);
}

int suspend(const OperatorOptions& options) {
  return change(options, MXD_STORE_ACCOUNT_SUSPENDED, 0);
}

int unsuspend(const OperatorOptions& options) {
  return change(options, 0, MXD_STORE_ACCOUNT_SUSPENDED);
}

int deactivate(const OperatorOptions& options) {
  const Store store = open_database(options);
  const Account account = find_account(store, options.name);
  confirm(options.is_confirmed, "Deactivate " + account.user_id + " for good, with its " +
                                    count_of(account.device_count, "device") + "?");
  auto change = make<mxd_store_account_change>();
  change.set = MXD_STORE_ACCOUNT_DEACTIVATED;
  change.name = view(account.user_id);
  check(store.call(&mxd_store_library::change_account, &change));
  tell_state(options, store, account.user_id);
  return kDone;
}

// ---- set-password ----

void describe_set_password(CLI::App& app, OperatorOptions& options) {
  describe_deletion(app, options);
  describe_password(app, options);
  CLI::Option* const keep =
      app.add_flag("--keep-devices", options.keeps_devices, "Everybody who is logged in stays so");
  app.add_flag_callback(
         "--sign-out", [&options] { options.keeps_devices = false; },
         "Delete every device of the user, with its keys: the default")
      ->excludes(keep);
}

int set_password(const OperatorOptions& options) {
  const Store store = open_database(options);
  const Account account = find_account(store, options.name);
  if (!options.keeps_devices) {
    confirm(options.is_confirmed, "Sign " + account.user_id + " out, and delete " +
                                      count_of(account.device_count, "device") +
                                      " with their encryption keys (--keep-devices does not)?");
  }
  const std::string password = new_password(options);
  auto given = make<mxd_store_password>();
  given.flags = options.keeps_devices ? 0 : MXD_STORE_PASSWORD_SIGN_OUT;
  given.name = view(account.user_id);
  given.password = view(password);
  check(store.call(&mxd_store_library::set_password, &given));
  show_with_password(options, find_account(store, account.user_id).json(), account.user_id,
                     password);
  return kDone;
}

constexpr CommandEntry kCommands[] = {
    {"user", "add",
     "Make an account, which can log in at once. The password is asked for or, where nobody is at "
     "a terminal, is the first line of standard input. Prints the user ID.",
     "user add alice --database devices.db\n"
     "user add alice --database devices.db --server-name example.org   # before the first start\n"
     "user add bot --no-password --database devices.db\n"
     "user add alice --generate-password --json --database devices.db",
     describe_add, mistake_in_add, add},
    {"user", "list",
     "List all accounts: state, how many devices, when one of them was last seen, when the account "
     "was made.",
     "user list --database devices.db\n"
     "user list --json --database devices.db | jq -r '.users[] | select(.locked) | .user_id'",
     describe_nothing, nullptr, list},
    {"user", "show", "Show an account: its state, password, devices.",
     "user show alice --database devices.db", describe_name, nullptr, show},
    {"user", "set-password",
     "Give an account a new password, such as one that was forgotten, and delete its devices "
     "unless --keep-devices says otherwise. The password comes as in `user add`.",
     "user set-password alice --database devices.db\n"
     "user set-password alice --keep-devices --database devices.db <password.txt\n"
     "user set-password alice --sign-out --yes --generate-password --database devices.db",
     describe_set_password, nullptr, set_password},
    {"user", "lock",
     "Lock an account: its devices are told 401 M_USER_LOCKED until it is unlocked. Nothing is "
     "deleted.",
     "user lock alice --database devices.db", describe_name, nullptr, lock},
    {"user", "unlock", "Unlock an account.", "user unlock alice --database devices.db",
     describe_name, nullptr, unlock},
    {"user", "suspend",
     "Suspend an account: its devices go on working here, and may be signed out.",
     "user suspend alice --database devices.db", describe_name, nullptr, suspend},
    {"user", "unsuspend", "End the suspension of an account.",
     "user unsuspend alice --database devices.db", describe_name, nullptr, unsuspend},
    {"user", "deactivate",
     "Remove an account for good: devices, tokens and password. Its name stays taken.",
     "user deactivate alice --database devices.db\n"
     "user deactivate alice --yes --database devices.db",
     describe_deletion, nullptr, deactivate},
};

}  // namespace

std::span<const CommandEntry> user_commands() {
  return kCommands;
}

}  // namespace mxd::server
