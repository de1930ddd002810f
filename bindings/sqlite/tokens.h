// Tokens: login, refresh, logout.
#ifndef MXD_BINDINGS_SQLITE_TOKENS_H
#define MXD_BINDINGS_SQLITE_TOKENS_H

#include <cstdint>
#include <string_view>

#include "bindings/sqlite/connection.h"
#include "bindings/sqlite/status.h"
#include "bindings/sqlite/store.h"

namespace mxd::sqlite {

// The functions of sqlite.h; all block.
Outcome login_device(Store& store, const mxd_sqlite_login& login, mxd_sqlite_tokens& out);
Outcome refresh(Store& store, std::string_view refresh_token, mxd_sqlite_tokens& out);
Outcome logout(Store& store, std::string_view access_token, bool all);

// T1: a token of this pair has been used. The pair that it replaces is deleted, and so are the
// other pairs that replace that one, but for their access tokens, which run out by time.
void delete_replaced_pair(Connection& writer, int64_t pair);

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_TOKENS_H
