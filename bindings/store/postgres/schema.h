// The database: whose it is, which schema it has, and bringing it up to this library's.
#ifndef MXD_BINDINGS_STORE_POSTGRES_SCHEMA_H
#define MXD_BINDINGS_STORE_POSTGRES_SCHEMA_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/blocking_connection.h"
#include "bindings/store/postgres/store.h"

namespace mxd::store::postgres {

// Reads how a database is reached from a URL or libpq's key words; the text says what is wrong.
Outcome read_target(const mxd_store_options& options, Target& target);

// What a database says of its schema.
struct Version {
  int64_t version = 0;  // 0: there is none
  int64_t oldest_program = 0;

  // A newer program has been there, and says that ones like this may not go on beside it.
  bool is_too_new() const;
};

// Throws Failed: there is something else of the schema's name.
Version read_version(BlockingConnection& connection);

// Makes the schema where there is none, refuses one that is not ours, and adds what newer programs
// need in one transaction; several processes may do so at once, also of other versions. An empty
// server_name makes none. Blocks.
Outcome prepare_database(const Target& target, std::string_view server_name,
                         std::optional<Store::Known>& known);

// The two halves of making a schema, for who fills the tables in between, each in a transaction of
// the caller's: until the second nobody can open the database. Both throw Failed; the first with
// BUSY where there is one already, or what is left of another attempt.
void begin_schema(BlockingConnection& connection);
void finish_schema(BlockingConnection& connection, const Store::Known& known);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_SCHEMA_H
