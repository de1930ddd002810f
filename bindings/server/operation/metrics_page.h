// GET /metrics, in the text format of Prometheus, on an address of its own. accounts.md, O9
#pragma once

#include "bindings/server/accounts/workers.h"
#include "bindings/server/http/http_server.h"
#include "bindings/server/request_router.h"
#include "bindings/server/store.h"

namespace mxd::server {

class MetricsPage final : public RequestHandler {
 public:
  // What is measured must outlive this.
  MetricsPage(const HttpServer& http, const Store& store, const Workers& workers,
              const Workers& password_workers)
      : http_(http), store_(store), workers_(workers), password_workers_(password_workers) {}

  void serve(Exchange& exchange, mxd_request_token* token) override;
  void cancel(mxd_request_token) override {}
  uint64_t max_body_bytes() const override { return 1024; }

 private:
  std::string text() const;

  const HttpServer& http_;
  const Store& store_;
  const Workers& workers_;
  const Workers& password_workers_;
};

}  // namespace mxd::server
