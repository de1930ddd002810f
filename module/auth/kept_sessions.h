#pragma once

#include <string_view>

#include "module/async/task.h"
#include "module/auth/session.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::auth {

// The session of this ID, as it now stands; one without an ID if there is none that this request
// can go on with, be it unknown, expired (U20) or of a later version (U9). An error is what the
// host failed with.
async::Task<http::Result<Session>> load_session(host::Exchange& exchange, std::string_view id);

// Has the host keep a new session, for the principal of the exchange; `session` says what it is
// for. Afterwards it is at its first revision. The limit on challenges counts it (U25). Null, or
// why not.
async::Task<const http::ApiError*> create_session(host::Exchange& exchange, Session& session,
                                                  std::string_view description);

// Has the host put the session in the place of the revision that it was loaded or created at:
// MXD_OK, or MXD_CONFLICT or MXD_NOT_FOUND, and it is to be loaded again. Asked also for a request
// that was cancelled. To be called once: the next replacement is of another revision.
async::Task<http::Result<int32_t>> replace_session(host::Exchange& exchange,
                                                   const Session& session);

// How often a request loads a session again because another one was faster (U26), and what it is
// answered with after that.
inline constexpr int kMaxConflicts = 8;
const http::ApiError* give_up_conflicts(host::Exchange& exchange);

}  // namespace mxd::auth
