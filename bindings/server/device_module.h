// The module at work: loaded, with the store behind it, answering into exchanges.
#pragma once

#include <cstdint>
#include <string>

#include "matrix_devices/module.hpp"
#include "server/http_message.h"
#include "server/store.h"

namespace mxd::server {

class DeviceModule {
 public:
  // `config`: the module's own JSON, or empty. Throws Error. The store must outlive this.
  DeviceModule(const Module& module, const std::string& config, const Store& store);

  // MXD_OK: the exchange will be answered, or has been. MXD_NOT_MINE, or a failure: it will not.
  // `token` names the request for cancel(). [any-thread]
  std::int32_t handle(Exchange& exchange, mxd_request_token* token);
  // The client is gone. The exchange will be answered all the same. [any-thread]
  void cancel(mxd_request_token token) { instance_.cancel(token); }

  std::uint64_t max_body_bytes() const { return max_body_bytes_; }

  // Blocks until the last request has been answered, but no longer than some seconds; what hangs
  // then is abandoned.
  void stop();

 private:
  Instance instance_;
  std::uint64_t max_body_bytes_;
};

}  // namespace mxd::server
