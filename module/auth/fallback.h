#pragma once

#include <string_view>

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"
#include "module/http/response.h"

namespace mxd::auth {

// The fallback page of User-Interactive Authentication, for the stages that the table of
// stage_types.h has a form for: rows F1 to F3. It has no access token; whoever knows the session ID
// is taken for the user's browser. `type` is one with a page; the method is GET, HEAD or POST.
async::Task<http::Result<const http::Response*>> answer_fallback(host::Exchange& exchange,
                                                                 std::string_view type);

}  // namespace mxd::auth
