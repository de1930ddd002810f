#pragma once

#include <string_view>

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/response.h"

namespace mxd::auth {

// The fallback page of User-Interactive Authentication, for m.login.password, m.login.terms and
// m.login.registration_token: rows F1 to F3. It has no access token; whoever knows the session ID
// is taken for the user's browser. `type` is as in the path, not decoded.
async::Task<http::Response> answer_fallback(host::Exchange& exchange, std::string_view type);

}  // namespace mxd::auth
