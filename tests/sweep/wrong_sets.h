#pragma once

#include <vector>

#include "tests/sweep/fault.h"

namespace mxd::sweep {

// Results that are right one by one, and wrong together: of another kind than was asked for, twice,
// in another order, one more than there may be.
void add_wrong_sets(std::vector<Spoil>& out, const Asked& asked);

}  // namespace mxd::sweep
