#pragma once

#include <string_view>

#include "module/auth/session.h"
#include "module/host/records.h"
#include "module/http/api_error.h"
#include "module/memory/arena.h"

namespace mxd::auth {

enum class ChallengeKind {
  kFirst,      // a new session: exactly `flows`, `params`, `session` (U1, U9)
  kContinued,  // with `completed` as well (U4, U5, U7)
};

// The 401 of User-Interactive Authentication. With `error_text` it has M_FORBIDDEN and that text,
// without it neither. @throws std::bad_alloc
const http::ApiError* make_challenge(memory::Arena& arena, const host::Flows& flows,
                                     const Session& session, std::string_view error_text,
                                     ChallengeKind kind);

}  // namespace mxd::auth
