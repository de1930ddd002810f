// Server names, as users' IDs end in.
#ifndef MXD_BINDINGS_STORE_COMMON_SERVER_NAME_H
#define MXD_BINDINGS_STORE_COMMON_SERVER_NAME_H

#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"

namespace mxd::store {

// Whose a database is: `kept` is what it says, empty for a new one; `server_name` what the caller
// said, empty for "as the database says", and on success the one that holds. INVALID_ARGUMENT: it
// is another server's; it is new, and has no name yet, or one that is not of the grammar (T10).
Outcome settle_server_name(std::string_view kept, std::string& server_name);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_SERVER_NAME_H
