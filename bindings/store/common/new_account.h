// Whom an account is made for.
#ifndef MXD_BINDINGS_STORE_COMMON_NEW_ACCOUNT_H
#define MXD_BINDINGS_STORE_COMMON_NEW_ACCOUNT_H

#include <cstdint>
#include <optional>
#include <string>

#include "bindings/store/common/outcome.h"
#include "bindings/store/common/store.h"
#include "matrix_devices/store.h"

namespace mxd::store {

// A row of accounts that is to be.
struct NewAccount {
  std::string user_id;
  std::optional<std::string> password_hash;
  bool is_guest = false;
  std::optional<std::string> service_id;
};

// All but the password: the user ID of this name, or a made one for a guest. INVALID_ARGUMENT: not
// a valid one. FORBIDDEN: nobody but a service registers what is the service's, and a service
// nothing else.
Outcome read_new_account(const mxd_store& store, const mxd_store_new_account& given,
                         NewAccount& account);

// The account of a service's sender; INVALID_ARGUMENT.
Outcome read_sender(const mxd_store& store, const Service& service, NewAccount& account);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_NEW_ACCOUNT_H
