#pragma once

#include <cstdint>

#include "matrix_devices/module.h"

namespace mxd::entry {

// The entries of mxd_module by which a host answers an operation.
int32_t complete(mxd_op op, int32_t status) noexcept;
int32_t emit_principal(mxd_op op, const mxd_principal* principal) noexcept;
int32_t emit_device(mxd_op op, const mxd_device* device) noexcept;
int32_t emit_stage(mxd_op op, const mxd_uia_stage* stage) noexcept;
int32_t emit_session_id(mxd_op op, mxd_view session_id) noexcept;
int32_t emit_session(mxd_op op, const mxd_uia_kept* session) noexcept;
int32_t emit_completed(mxd_op op, const mxd_uia_completed* stage) noexcept;
int32_t emit_identity(mxd_op op, mxd_view user_id) noexcept;
int32_t emit_reason(mxd_op op, mxd_view text) noexcept;
int32_t emit_retry_after(mxd_op op, int64_t retry_after_ms) noexcept;
int32_t emit_error(mxd_op op, const mxd_error* error) noexcept;

}  // namespace mxd::entry
