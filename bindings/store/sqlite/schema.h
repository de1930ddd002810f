// The file: whose it is, which schema it has, and bringing it up to this library's.
#ifndef MXD_BINDINGS_STORE_SQLITE_SCHEMA_H
#define MXD_BINDINGS_STORE_SQLITE_SCHEMA_H

#include <cstdint>
#include <optional>
#include <string>

#include "bindings/store/common/account_key.h"
#include "bindings/store/common/outcome.h"

namespace mxd::store::sqlite {

// "MXDs", as PRAGMA application_id of our files.
inline constexpr int kApplicationId = 0x4d584473;

// Makes the file where there is none, refuses one that is not ours, and migrates it in one
// transaction; several processes may do so at once. Blocks up to the busy timeout. On success
// `server_name` and `account_key` are the file's. An empty server_name makes no file. A migration
// is of `now_ms`.
Outcome prepare_file(const std::string& path, std::string& server_name,
                     std::optional<AccountKey>& account_key, int64_t now_ms);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_SCHEMA_H
