#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "module/async/task.h"
#include "module/auth/stage_types.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::auth {

// What a client sent for one stage.
struct StageData {
  std::string_view type;
  const boost::json::object* auth = nullptr;
  Credentials credentials;
};

// How one attempt at a stage ended.
struct StageOutcome {
  enum class Kind {
    kRight,      // to be kept
    kWrong,      // U4
    kOtherUser,  // U6: right, but somebody else's
  };
  Kind kind = Kind::kWrong;
  host::UserId identity;    // whom it proves, with kRight; empty: nobody
  std::string_view reason;  // the host's, with kWrong; may be empty
};

// Has the host judge a stage's data, within the limit on failures (U23). The principal is that of
// the exchange. An error is what the host failed with (H1 to H3, H6), bad data (U4a) or a 429
// (L1).
async::Task<http::Result<StageOutcome>> try_stage(host::Exchange& exchange,
                                                  std::string_view session_id,
                                                  const StageData& data);

}  // namespace mxd::auth
