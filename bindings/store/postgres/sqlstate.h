// What an error of the database means (PostgreSQL, appendix A).
#ifndef MXD_BINDINGS_STORE_POSTGRES_SQLSTATE_H
#define MXD_BINDINGS_STORE_POSTGRES_SQLSTATE_H

#include <cstdint>
#include <string_view>

namespace mxd::store::postgres {

struct Fault {
  int32_t status;         // for who asked
  bool ends_connection;   // it is of no use any more: another server, or the same one later
  bool may_be_repeated;   // it was undone, and will do when it is asked once more
  bool forgets_prepared;  // what was prepared on the connection is gone
};

// `state`: five characters; empty where the connection failed before the server said anything.
Fault fault_of(std::string_view state);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_SQLSTATE_H
