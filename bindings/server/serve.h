// The server, from start to graceful stop.
#pragma once

#include "server/command_line.h"

namespace mxd::server {

// Returns after SIGTERM or SIGINT, when requests in flight have been answered. Throws
// std::runtime_error with one line if it cannot start.
void serve(const ServeOptions& options);

}  // namespace mxd::server
