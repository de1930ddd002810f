// Tokens: login, refresh, logout.
#ifndef MXD_BINDINGS_STORE_SQLITE_TOKENS_H
#define MXD_BINDINGS_STORE_SQLITE_TOKENS_H

#include <cstdint>
#include <string_view>

#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/status.h"
#include "bindings/store/sqlite/store.h"
#include "bindings/store/sqlite/write.h"

namespace mxd::store::sqlite {

// T1: a token of this pair has been used. The pair that it replaces is deleted, and so are the
// other pairs that replace that one, but for their access tokens, which run out by time.
void delete_replaced_pair(Connection& writer, int64_t pair);

// The same as a write of its own, which concerns whose the pair is.
void use_new_pair(WriteConnection& writer, int64_t pair);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_TOKENS_H
