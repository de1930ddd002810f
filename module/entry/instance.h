#pragma once

#include <memory>
#include <string>
#include <vector>

#include "matrix_devices/module.h"
#include "module/async/gate.h"
#include "module/config/config.h"
#include "module/host/host_table.h"
#include "module/limits/limiter.h"

// What create() makes: the host's table, the configuration, and who is inside.
struct mxd_instance {
  mxd::host::HostTable host;
  mxd::config::Config config;
  std::unique_ptr<mxd::limits::Limiter> limiter;
  mxd::async::Gate* gate = nullptr;
  struct RouteText {
    std::string_view methods;
    std::string path;
  };
  std::vector<RouteText> routes;
};
