#pragma once

#include "module/async/slot.h"

namespace mxd::async {

// Goes on with a request whose coroutine is due, on this thread. Inside another run() of this
// thread (the host called from a callback), it is queued instead, and the outermost run() sees to
// it before it returns: so the stack does not grow with the number of requests.
void run(Slot& slot) noexcept;

// Said by the outermost coroutine of a request when it ends; run() then calls Slot::finished.
void note_finished(Slot& slot) noexcept;

}  // namespace mxd::async
