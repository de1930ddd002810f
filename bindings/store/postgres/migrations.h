// The schema of the database, step by step.
#ifndef MXD_BINDINGS_STORE_POSTGRES_MIGRATIONS_H
#define MXD_BINDINGS_STORE_POSTGRES_MIGRATIONS_H

#include <array>

namespace mxd::store::postgres {

struct Migration {
  // What it adds, in order, in one transaction: tables, then functions. What is there stays as
  // older programs know it: a function that changes gets a new name.
  std::array<const char*, 5> sql;
  // The oldest schema whose programs may go on beside it: 1 unless something is taken away.
  int oldest_program;
};

inline constexpr int kSchemaVersion = 1;

// [n] leads from version n to n + 1.
extern const std::array<Migration, kSchemaVersion> kMigrations;

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_MIGRATIONS_H
