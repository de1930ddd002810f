// The callbacks of the table, by subject, and what they have in common.
#ifndef MXD_BINDINGS_STORE_POSTGRES_HOST_TABLE_H
#define MXD_BINDINGS_STORE_POSTGRES_HOST_TABLE_H

#include <cstdint>
#include <utility>

#include "bindings/store/postgres/store.h"

namespace mxd::store::postgres {

inline Store& store_of(mxd_cookie host) {
  return static_cast<Store&>(*reinterpret_cast<mxd_store*>(host));
}

// What every callback does, and returns: `ask` gives OK if the operation is or will be completed,
// else what it is completed with.
template <class Ask>
int32_t question(mxd_cookie host, mxd_op op, const char* doing, Ask&& ask) noexcept {
  Store& store = store_of(host);
  const int32_t status = guarded(store, doing, [&] { return ask(store); });
  if (status != MXD_OK) store.module().complete(op, status);
  return MXD_OK;
}

// Asks the database, and completes the operation with what `answer` makes of the rows. The
// callback's arguments are good until then: parameters refer to them. OK.
template <class Answer>
int32_t ask(Store& store, mxd_op op, Kind kind, const Statement& statement,
            const Parameters& parameters, Answer answer) {
  store.database.ask(
      kind, statement, parameters,
      [&store, op, answer = std::move(answer)](const Rows& rows) {
        store.module().complete(op, answer(rows));
      },
      [&store, op](int32_t status) noexcept { store.module().complete(op, status); });
  return MXD_OK;
}

// Their parts of the table.
void fill_device_callbacks(mxd_host& host);
void fill_limit_callbacks(mxd_host& host);
void fill_uia_callbacks(mxd_host& host);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_HOST_TABLE_H
