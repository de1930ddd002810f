#pragma once

#include <cstdint>

#include "matrix_devices/module.h"
#include "module/entry/instance.h"

namespace mxd::entry {

// mxd_module::handle
int32_t handle(mxd_instance* instance, const mxd_request* request,
               mxd_request_token* token) noexcept;

// mxd_module::match
int32_t match(mxd_instance* instance, mxd_view method, mxd_view target) noexcept;

// mxd_module::cancel
int32_t cancel(mxd_request_token token) noexcept;

}  // namespace mxd::entry
