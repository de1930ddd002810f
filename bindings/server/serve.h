// The server's process, from start to stop: what signals do to it.
#pragma once

#include "bindings/server/command_line.h"

namespace mxd::server {

// Exit status of a server that was told to stop and has not finished everything: connections were
// cut, lines of log were lost, or something stood still until the time was over.
inline constexpr int kUnfinished = 3;

// Serves until SIGTERM or SIGINT, when what has arrived is answered; SIGHUP reloads. Returns the
// exit status, 0 or kUnfinished. Whatever stands still, the process ends 10 seconds after the
// signal, and at a second one at once. Throws std::runtime_error with one line if it cannot start.
int serve(const ServeOptions& options);

}  // namespace mxd::server
