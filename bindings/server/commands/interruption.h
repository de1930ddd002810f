// Ending by a signal, once what was begun has been removed.
#pragma once

namespace mxd::server {

// From here on SIGINT, SIGTERM and SIGHUP, where they are not ignored, only make is_interrupted()
// true.
void note_interruptions();
bool is_interrupted();

// Ends the process by the signal that came.
void end_by_interruption();

}  // namespace mxd::server
