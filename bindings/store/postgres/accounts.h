// Accounts, as they are read; and how one is found by what people type.
#ifndef MXD_BINDINGS_STORE_POSTGRES_ACCOUNTS_H
#define MXD_BINDINGS_STORE_POSTGRES_ACCOUNTS_H

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/store.h"

namespace mxd::store::postgres {

struct Account {
  int64_t number;
  std::string user_id;
  std::optional<std::string> password_hash;
  bool is_deactivated;
};

// Calls `attempt` with the account number and user ID that a name may mean: of its exact spelling
// and, where that is no account, of its lower case. `attempt` says whether there is such an account
// in `is_there`. NOT_FOUND, with a text, if there is none.
using Attempt =
    absl::FunctionRef<Outcome(int64_t account, const std::string& user_id, bool& is_there)>;
Outcome with_named_account(const Store& store, std::string_view name, Attempt attempt);

// The account of this ID, if there is one. Blocks.
Outcome find_account(Store& store, int64_t number, const std::string& user_id,
                     std::optional<Account>& account);

// The account that is meant by a name; NOT_FOUND with a text. Blocks.
Outcome require_account(Store& store, std::string_view name, std::optional<Account>& account);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_ACCOUNTS_H
