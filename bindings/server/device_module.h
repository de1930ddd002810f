// The module at work: loaded, with the store behind it, answering into exchanges.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "bindings/server/event.h"
#include "bindings/server/http/http_message.h"
#include "bindings/server/store.h"
#include "matrix_devices/module.hpp"

namespace mxd::server {

// What instances are made of: the library and the callbacks. The store must outlive it.
class ModuleLibrary {
 public:
  // Throws Error.
  ModuleLibrary(const std::string& path, const Store& store);

  const Module& module() const { return module_; }
  const mxd_host& host() const { return host_; }

 private:
  Module module_;
  mxd_host host_;
};

// An instance. Where the settings change, another takes its place.
class DeviceModule {
 public:
  // `config`: the module's own JSON. Throws Error. The library must outlive this.
  DeviceModule(const ModuleLibrary& library, std::string config);

  const std::string& config() const { return config_; }

  // MXD_OK: the exchange will be answered, or has been. MXD_NOT_MINE, or a failure: it will not.
  // `token` names the request for cancel(). [any-thread]
  int32_t handle(Exchange& exchange, mxd_request_token* token);
  // The client is gone. The exchange will be answered all the same. The request may be another
  // instance's. [any-thread]
  void cancel(mxd_request_token token) { instance_.cancel(token); }

  uint64_t max_body_bytes() const { return max_body_bytes_; }

  // No handle() may come after this. Does not block, needs no memory; again, it does nothing.
  void begin_stop() noexcept;
  // After begin_stop(): whether the last request has been answered.
  bool is_stopped() const;
  // Waits for that; what is not done by then is abandoned, and false returned.
  bool end_stop(std::chrono::steady_clock::time_point deadline);

 private:
  std::string config_;
  std::shared_ptr<Event> stopped_ = std::make_shared<Event>();
  std::function<void()> tell_stopped_;  // for the instance, when it is told to stop
  Instance instance_;
  uint64_t max_body_bytes_;
};

}  // namespace mxd::server
