// The server at work: its parts, in the order in which they need each other.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/accounts/registration_file.h"
#include "bindings/server/accounts/workers.h"
#include "bindings/server/command_line.h"
#include "bindings/server/configuration.h"
#include "bindings/server/device_module.h"
#include "bindings/server/http/client_address.h"
#include "bindings/server/http/http_server.h"
#include "bindings/server/operation/health.h"
#include "bindings/server/operation/json_log.h"
#include "bindings/server/operation/metrics_page.h"
#include "bindings/server/request_router.h"
#include "bindings/server/settings.h"
#include "bindings/server/store.h"

namespace mxd::server {

class Server {
 public:
  // Starts; requests are answered when it returns. Throws std::runtime_error with one line that
  // says why it cannot.
  Server(const ServeOptions& options, LogWriter& log);

  ListenAddress address() const { return http_.address(); }
  // Where the metrics are; nothing if nowhere.
  std::optional<ListenAddress> metrics_address() const;

  // Registrations, settings and the log's file are read and opened again. What is wrong is refused
  // as a whole, with a line of log that says why, and the old goes on. Requests in flight end as
  // they began. accounts.md, O1a
  void reload();

  // Answers what has arrived, and ends the threads that answer. False if something was not finished
  // by `deadline`, and was cut. What is queued for the disk is written after that, by the
  // destructor.
  bool stop(std::chrono::steady_clock::time_point deadline);

 private:
  Server(const ServeOptions& options, LogWriter& log, const Configuration& configuration);

  void reload_configuration();
  void reload_log();
  // Stops instances that another has taken the place of, and destroys those that have answered
  // their last request. Throws std::bad_alloc, and can be called again.
  void stop_replaced();

  const ServeOptions& options_;
  LogWriter& log_;
  CurrentRegistrations services_;
  CurrentSettings settings_;
  HttpServer http_;
  // Before the store, which may still be answering them when it is closed.
  Workers workers_;
  Workers password_workers_;
  AccountContext accounts_;
  Store store_;
  Health health_;
  ModuleLibrary library_;
  std::vector<std::unique_ptr<DeviceModule>> replaced_;  // stopped, or to be stopped
  RequestRouter router_;
  TrustedProxies proxies_;
  MetricsPage metrics_page_;
  std::unique_ptr<HttpServer> metrics_http_;  // null: metrics are not wanted
};

}  // namespace mxd::server
