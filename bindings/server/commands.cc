#include "bindings/server/commands.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <stdexcept>

#include "bindings/server/store.h"

namespace mxd::server {
namespace {

void check(int32_t status, const mxd_sqlite_error& error) {
  if (status == MXD_OK) return;
  throw Error(status, error.text[0] != '\0'
                          ? error.text
                          : "the store failed with status " + std::to_string(status));
}

// A terminal does not show what is typed.
std::string read_password() {
  termios shown{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    std::cerr << "Password: " << std::flush;
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
  }
  std::string password;
  std::getline(std::cin, password);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &shown);
    std::cerr << "\n";
  }
  if (!password.empty() && password.back() == '\r') password.pop_back();
  if (password.empty()) {
    throw std::runtime_error("no password: write it on the first line of standard input");
  }
  return password;
}

void add_user(const Store& store, const std::string& name) {
  const std::string password = read_password();
  mxd_sqlite_new_account account{};
  account.size = sizeof account;
  account.name = view(name);
  account.password = view(password);
  char user_id[MXD_SQLITE_ID_CAPACITY] = {};
  mxd_sqlite_error error{};
  check(mxd_sqlite_add_account(store.get(), &account, user_id, &error), error);
  std::cout << user_id << "\n";
}

// One a line: the user ID, a tab, what is special about it, in words with commas between.
void print_account(mxd_cookie, const mxd_sqlite_account* account) noexcept {
  static constexpr struct {
    uint32_t flag;
    const char* name;
  } kFlags[] = {{MXD_SQLITE_ACCOUNT_GUEST, "guest"},
                {MXD_SQLITE_ACCOUNT_APPSERVICE, "appservice"},
                {MXD_SQLITE_ACCOUNT_LOCKED, "locked"},
                {MXD_SQLITE_ACCOUNT_SUSPENDED, "suspended"},
                {MXD_SQLITE_ACCOUNT_DEACTIVATED, "deactivated"}};
  std::cout << text(account->user_id);
  char separator = '\t';
  for (const auto& [flag, name] : kFlags) {
    if ((account->flags & flag) == 0) continue;
    std::cout << separator << name;
    separator = ',';
  }
  std::cout << "\n";
}

void list_users(const Store& store) {
  mxd_sqlite_error error{};
  check(mxd_sqlite_list_accounts(store.get(), &print_account, 0, &error), error);
}

void set_flags(const Store& store, const std::string& name, uint32_t set, uint32_t clear) {
  mxd_sqlite_error error{};
  check(mxd_sqlite_set_account_flags(store.get(), view(name), set, clear, &error), error);
}

// A command that makes a database where a server's was mistyped would only confuse.
Store open_existing(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    throw std::runtime_error("there is no database " + path +
                             "; start the server once to make it, or correct --database");
  }
  return Store({path, {}, {}});
}

}  // namespace

void manage_user(const UserOptions& options) {
  const Store store = open_existing(options.database);
  if (options.action == "add") return add_user(store, options.name);
  if (options.action == "list") return list_users(store);
  if (options.action == "lock") return set_flags(store, options.name, MXD_SQLITE_ACCOUNT_LOCKED, 0);
  if (options.action == "unlock") {
    return set_flags(store, options.name, 0, MXD_SQLITE_ACCOUNT_LOCKED);
  }
  if (options.action == "suspend") {
    return set_flags(store, options.name, MXD_SQLITE_ACCOUNT_SUSPENDED, 0);
  }
  if (options.action == "unsuspend") {
    return set_flags(store, options.name, 0, MXD_SQLITE_ACCOUNT_SUSPENDED);
  }
  set_flags(store, options.name, MXD_SQLITE_ACCOUNT_DEACTIVATED, 0);
}

void issue_token(const TokenOptions& options) {
  const Store store = open_existing(options.database);
  mxd_sqlite_login login{};
  login.size = sizeof login;
  login.flags = options.oauth ? MXD_SQLITE_LOGIN_OAUTH : 0;
  login.lifetime_ms = options.lifetime ? options.lifetime->count() : -1;
  login.name = view(options.name);
  login.device_id = view(options.device);
  mxd_sqlite_tokens tokens{};
  tokens.size = sizeof tokens;
  mxd_sqlite_error error{};
  check(mxd_sqlite_login_device(store.get(), &login, &tokens, &error), error);
  std::cout << tokens.access_token << "\n";
}

}  // namespace mxd::server
