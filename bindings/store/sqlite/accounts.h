// Accounts, as they are read.
#ifndef MXD_BINDINGS_STORE_SQLITE_ACCOUNTS_H
#define MXD_BINDINGS_STORE_SQLITE_ACCOUNTS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/store.h"

namespace mxd::store::sqlite {

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

// The least text after this one, and before all others; the least of all after an empty one.
inline std::string next_after(std::string_view id) {
  std::string next(id);
  if (!next.empty()) next += '\0';
  return next;
}

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_ACCOUNTS_H
