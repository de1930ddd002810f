#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "module/http/api_error.h"
#include "module/memory/arena.h"

namespace mxd::auth {

// What a client says under `auth` (Client-Server API, User-Interactive Authentication).
struct UiaRequest {
  const boost::json::object* auth = nullptr;  // none, or `null`: null
  std::optional<std::string_view> session;
  std::optional<std::string_view> type;
};

// Takes `auth` out of a body. Rows U2, U18. @throws std::bad_alloc
http::Result<UiaRequest> take_auth(memory::Arena& arena, boost::json::object& body);

// U4a: whether the stage's data is there, for the stages that the specification describes. Null,
// or what is missing.
const http::ApiError* check_stage_data(const UiaRequest& request);

}  // namespace mxd::auth
