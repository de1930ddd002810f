// How a server is connected to: libpq's connection strings, and what is added to them.
#ifndef MXD_BINDINGS_STORE_POSTGRES_CONNECTION_STRING_H
#define MXD_BINDINGS_STORE_POSTGRES_CONNECTION_STRING_H

#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "bindings/store/postgres/pipeline.h"

namespace mxd::store::postgres {

// Whether libpq understands it; the text says what is wrong, and holds no password.
Outcome check_connection_string(std::string_view text);

// A connection that is open, or tells what went wrong (trouble_of()). Where the string, the
// environment and the service that they name say nothing else: only to a server that can be written
// and, over a network, proves who it is (sslmode=verify-full), in a few seconds, and one that is
// not heard of any more is given up. Blocks.
PgConnection connect_to(const std::string& connection_string);

// Why there is no connection, and what to do, in one line.
std::string trouble_of(const PGconn* connection);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_CONNECTION_STRING_H
