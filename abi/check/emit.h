// The emits of the module's table: each checks what the host emits, and keeps a copy.
#pragma once

#include "matrix_devices/module.h"

namespace mxd::check {

// Sets the ten emits.
void fill_emits(mxd_module& table) noexcept;

}  // namespace mxd::check
