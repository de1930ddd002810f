#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::auth {

// How one attempt at a stage ended.
struct StageOutcome {
  enum class Kind {
    kRight,      // to be recorded
    kWrong,      // U4
    kOtherUser,  // U6: right, but somebody else's
  };
  Kind kind = Kind::kWrong;
  std::optional<host::UserId> identity;  // whom it proves, with kRight
  std::string_view reason;               // the host's, with kWrong; may be empty
};

// Has the host judge a stage's data, within the limit on failures (U23). The principal is that of
// the exchange. An error is what the host failed with (H1 to H3, H6), bad data (U4a) or a 429
// (L1).
async::Task<http::Result<StageOutcome>> try_stage(host::Exchange& exchange,
                                                  std::string_view session_id,
                                                  std::string_view type,
                                                  const boost::json::object& auth);

// Whether a session is within its lifetime and, if it is finished, within that of a finished one.
// U13, U20.
bool is_live(const host::Session& session, const host::Exchange& exchange);

}  // namespace mxd::auth
