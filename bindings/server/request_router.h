// Who answers a request: the module, the server's own endpoints, or nobody.
#pragma once

#include <atomic>
#include <memory>

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/device_module.h"
#include "bindings/server/http/http_message.h"
#include "bindings/server/operation/health.h"

namespace mxd::server {

// Whom a connection hands its requests to.
class RequestHandler {
 public:
  // The exchange is answered exactly once, perhaps before this returns, perhaps on another thread.
  // `token` is set, before that, if the request can be cancelled.
  virtual void serve(Exchange& exchange, mxd_request_token* token) = 0;
  virtual void cancel(mxd_request_token token) = 0;
  virtual uint64_t max_body_bytes() const = 0;

 protected:
  ~RequestHandler() = default;
};

class RequestRouter final : public RequestHandler {
 public:
  RequestRouter(std::unique_ptr<DeviceModule> devices, AccountContext& accounts, Health& health)
      : devices_(devices.release()), accounts_(accounts), health_(health) {}
  ~RequestRouter() { delete devices_.load(); }
  RequestRouter(const RequestRouter&) = delete;
  RequestRouter& operator=(const RequestRouter&) = delete;

  void serve(Exchange& exchange, mxd_request_token* token) override;
  void cancel(mxd_request_token token) override { devices().cancel(token); }
  uint64_t max_body_bytes() const override { return devices().max_body_bytes(); }

  // The instance that requests go to.
  DeviceModule& devices() const { return *devices_.load(std::memory_order_acquire); }
  // They go to this one from now on. The one before is returned; a thread that is inside serve()
  // may still be using it. [any-thread]
  std::unique_ptr<DeviceModule> replace(std::unique_ptr<DeviceModule> devices) {
    return std::unique_ptr<DeviceModule>(
        devices_.exchange(devices.release(), std::memory_order_acq_rel));
  }

 private:
  std::atomic<DeviceModule*> devices_;  // owned
  AccountContext& accounts_;
  Health& health_;
};

}  // namespace mxd::server
