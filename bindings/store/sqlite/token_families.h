// The families of tokens (token_family.h) in the database.
#ifndef MXD_BINDINGS_STORE_SQLITE_TOKEN_FAMILIES_H
#define MXD_BINDINGS_STORE_SQLITE_TOKEN_FAMILIES_H

#include <cstdint>
#include <string_view>

#include "bindings/store/common/token_family.h"
#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// In the writer's transaction: the family of a device, begun if it has none.
TokenFamily family_of(Connection& writer, int64_t device);

// In the writer's transaction: the tokens that the device had until now were never there.
void end_family(Connection& writer, int64_t device);

// Whether `token`, which is not good (any more), was given out with this prefix to a login of a
// device that is still there.
bool was_token(Connection& connection, std::string_view token, std::string_view prefix);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_TOKEN_FAMILIES_H
