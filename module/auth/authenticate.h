#pragma once

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::auth {

// What the request says of who is asking: its token and, for application services, whom they want
// to act as. Rows R11 and A1 to A3, A14. @throws std::bad_alloc
http::Result<mxd_credentials> read_credentials(host::Exchange& exchange);

// Asks the host whose token it is; the answer goes to `exchange.who`. Null, or why not: rows A4 to
// A13, A16. `credentials` stay until it is answered.
async::Task<const http::ApiError*> authenticate(host::Exchange& exchange,
                                                const mxd_credentials& credentials);

}  // namespace mxd::auth
