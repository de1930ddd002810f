// Who answers a request: the module, the server's own endpoints, or nobody.
#pragma once

#include "server/account_context.h"
#include "server/device_module.h"
#include "server/http_message.h"

namespace mxd::server {

class RequestRouter {
 public:
  RequestRouter(DeviceModule& devices, AccountContext& accounts)
      : devices_(devices), accounts_(accounts) {}

  // The exchange is answered exactly once, perhaps before this returns, perhaps on another thread.
  // `token` is set, before that, if the request can be cancelled.
  void serve(Exchange& exchange, mxd_request_token* token);
  void cancel(mxd_request_token token) { devices_.cancel(token); }

  std::uint64_t max_body_bytes() const { return devices_.max_body_bytes(); }

 private:
  DeviceModule& devices_;
  AccountContext& accounts_;
};

}  // namespace mxd::server
