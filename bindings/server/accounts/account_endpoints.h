// The endpoints that the server answers itself: what a client needs to get a token and keep it.
#pragma once

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/http/http_message.h"

namespace mxd::server {

// False: none of them has this path, and the exchange is not answered. Otherwise it has been, or
// will be.
bool serve_account_endpoint(AccountContext& context, Exchange& exchange);

}  // namespace mxd::server
