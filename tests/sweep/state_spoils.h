#pragma once

#include <vector>

#include "tests/sweep/fault.h"

namespace mxd::sweep {

// What can be wrong with the `state` of the session that is the result at `index`: it is not what
// the module gave, was cut, or is of a later version.
void add_state_spoils(std::vector<Spoil>& out, size_t index);

}  // namespace mxd::sweep
