// How a file gets from one schema to the next.
#ifndef MXD_BINDINGS_STORE_SQLITE_MIGRATIONS_H
#define MXD_BINDINGS_STORE_SQLITE_MIGRATIONS_H

#include <array>

namespace mxd::store::sqlite {

inline constexpr int kSchemaVersion = 5;

// Number N brings a file from user_version N to N + 1. They are only ever appended. They run in one
// transaction, and find the time and a new key for accounts in the temporary table `migration`
// (now_ms, account_key).
extern const std::array<const char*, kSchemaVersion> kMigrations;

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_MIGRATIONS_H
