// A request from its arrival to its answer.
#pragma once

#include "abi/check/task.h"

namespace mxd::check {

class Dialogue;

// Authenticates, runs the step that the request is for, and answers with the report so far and
// what to send next.
Task<> converse(Dialogue& dialogue);

}  // namespace mxd::check
