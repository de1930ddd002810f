// The callbacks of PlantedHost. What is planted stands where the right thing would be done.
#pragma once

#include "matrix_devices/module.h"

namespace mxd::check_test {

// A whole table; the cookie is a PlantedHost.
mxd_host callback_table(mxd_cookie host);

// Those of sessions and stages, in session_callbacks.cc.
void add_session_callbacks(mxd_host& host);

}  // namespace mxd::check_test
