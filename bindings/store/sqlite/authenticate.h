// Whose token is this?
#ifndef MXD_BINDINGS_STORE_SQLITE_AUTHENTICATE_H
#define MXD_BINDINGS_STORE_SQLITE_AUTHENTICATE_H

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <optional>

#include "bindings/store/sqlite/store.h"
#include "matrix_devices/module.h"

namespace mxd::store::sqlite {

struct Authenticated {
  mxd_principal principal;  // its views are good for the call
  bool is_suspended;
  std::optional<int64_t> new_pair;  // used for the first time: delete_replaced_pair() is due
};

// The refusals of `authenticate` in module.h, or OK after one call of `found`, in which a
// connection is lent. Reads, notes last seen, waits for nothing. Throws SQLite::Exception.
int32_t authenticate(Store& store, const mxd_credentials& credentials,
                     absl::FunctionRef<void(const Authenticated&)> found);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_AUTHENTICATE_H
