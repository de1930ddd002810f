// Accounts: names, states, passwords.
#ifndef MXD_BINDINGS_SQLITE_ACCOUNTS_H
#define MXD_BINDINGS_SQLITE_ACCOUNTS_H

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/sqlite/connection.h"
#include "bindings/sqlite/services.h"
#include "bindings/sqlite/status.h"
#include "bindings/sqlite/store.h"

namespace mxd::sqlite {

struct Account {
  int64_t row;
  std::string user_id;
  std::optional<std::string> password_hash;
  bool is_locked;
  bool is_deactivated;
};

std::optional<Account> find_account(Connection& connection, std::string_view user_id);

// The account that is meant by a name as people type them: the one of the exact spelling first.
std::optional<Account> find_named_account(const Store& store, Connection& connection,
                                          std::string_view name);

// The same for a blocking function; NOT_FOUND with a text.
Outcome require_account(const Store& store, Connection& connection, std::string_view name,
                        std::optional<Account>& account);

// The functions of sqlite.h; all but resolve_name() block.
Outcome resolve_name(Store& store, std::string_view name, std::string& user_id);
Outcome add_account(Store& store, const mxd_sqlite_new_account& given, std::string& user_id);
Outcome register_sender(Store& store, const Service& service);
void list_accounts(Store& store, absl::FunctionRef<void(const mxd_sqlite_account&)> visit);
Outcome set_account_flags(Store& store, std::string_view name, uint32_t set, uint32_t clear);
Outcome set_password(Store& store, std::string_view name, std::string_view password);
Outcome check_password(Store& store, std::string_view name, std::string_view password,
                       std::string& user_id);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_ACCOUNTS_H
