#include "bindings/server/commands.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <stdexcept>

#include "bindings/server/store.h"

namespace mxd::server {
namespace {

void check(const Store::Said& said) {
  if (said.status == MXD_OK) return;
  throw Error(said.status, said.text[0] != '\0'
                               ? said.text.data()
                               : "the store failed with status " + std::to_string(said.status));
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
  auto account = make<mxd_store_new_account>();
  account.name = view(name);
  account.password = view(password);
  auto user = make<mxd_store_user>();
  check(store.call(&mxd_store_library::add_account, &account, &user));
  std::cout << user.user_id << "\n";
}

// One a line: the user ID, a tab, what is special about it, in words with commas between.
int32_t print_account(mxd_cookie, const mxd_store_account* account) noexcept {
  static constexpr struct {
    uint32_t flag;
    const char* name;
  } kFlags[] = {{MXD_STORE_ACCOUNT_GUEST, "guest"},
                {MXD_STORE_ACCOUNT_APPSERVICE, "appservice"},
                {MXD_STORE_ACCOUNT_LOCKED, "locked"},
                {MXD_STORE_ACCOUNT_SUSPENDED, "suspended"},
                {MXD_STORE_ACCOUNT_DEACTIVATED, "deactivated"}};
  std::cout << text(account->user_id);
  char separator = '\t';
  for (const auto& [flag, name] : kFlags) {
    if ((account->flags & flag) == 0) continue;
    std::cout << separator << name;
    separator = ',';
  }
  std::cout << "\n";
  return MXD_OK;
}

void list_users(const Store& store) {
  const auto all = make<mxd_store_account_query>();
  check(store.call(&mxd_store_library::list_accounts, &all, &print_account, mxd_cookie{0}));
}

void set_flags(const Store& store, const std::string& name, uint32_t set, uint32_t clear) {
  auto change = make<mxd_store_account_change>();
  change.set = set;
  change.clear = clear;
  change.name = view(name);
  check(store.call(&mxd_store_library::change_account, &change));
}

// Without a server name none is made where a server's was mistyped.
Store open_existing(const DatabaseOptions& options) {
  return Store({options.database, options.store_file, {}, {}});
}

}  // namespace

void manage_user(const UserOptions& options) {
  const Store store = open_existing(options);
  if (options.action == "add") return add_user(store, options.name);
  if (options.action == "list") return list_users(store);
  if (options.action == "lock") return set_flags(store, options.name, MXD_STORE_ACCOUNT_LOCKED, 0);
  if (options.action == "unlock") {
    return set_flags(store, options.name, 0, MXD_STORE_ACCOUNT_LOCKED);
  }
  if (options.action == "suspend") {
    return set_flags(store, options.name, MXD_STORE_ACCOUNT_SUSPENDED, 0);
  }
  if (options.action == "unsuspend") {
    return set_flags(store, options.name, 0, MXD_STORE_ACCOUNT_SUSPENDED);
  }
  set_flags(store, options.name, MXD_STORE_ACCOUNT_DEACTIVATED, 0);
}

void issue_token(const TokenOptions& options) {
  const Store store = open_existing(options);
  auto login = make<mxd_store_login>();
  login.flags = options.oauth ? MXD_STORE_LOGIN_OAUTH : 0;
  login.lifetime_ms = options.lifetime ? options.lifetime->count() : -1;
  login.name = view(options.name);
  login.device_id = view(options.device);
  auto tokens = make<mxd_store_tokens>();
  check(store.call(&mxd_store_library::login, &login, &tokens));
  std::cout << tokens.access_token << "\n";
}

}  // namespace mxd::server
