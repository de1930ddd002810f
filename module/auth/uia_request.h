#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "module/http/api_error.h"
#include "module/memory/arena.h"

namespace mxd::auth {

// What a client says under `auth` (Client-Server API, User-Interactive Authentication).
struct UiaRequest {
  // None, or `null`: null. Without members that are null (U2), and an old-style `user` beside a
  // password is an `identifier` (U19).
  const boost::json::object* auth = nullptr;
  std::optional<std::string_view> session;
  std::optional<std::string_view> type;
};

// Takes `auth` out of a body. Rows U2, U18, U19. @throws std::bad_alloc
http::Result<UiaRequest> take_auth(memory::Arena& arena, boost::json::object& body);

}  // namespace mxd::auth
