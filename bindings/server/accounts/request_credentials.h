// Who a request says it is, read as the module reads it for the device endpoints.
#pragma once

#include <optional>
#include <string>

#include "bindings/server/http/http_message.h"
#include "bindings/server/settings.h"

namespace mxd::server {

struct RequestCredentials {
  std::string access_token;
  // As whom a service acts; of others they are passed over (A15).
  std::optional<std::string> user_id;
  std::optional<std::string> device_id;
  // The answer, where there is no token, or none that could be anybody's.
  std::optional<Response> refusal;
};

// Rows R11, A1 to A4 and A14 of behaviour.md.
RequestCredentials read_credentials(const Request& request, const Settings::Devices& settings);

}  // namespace mxd::server
