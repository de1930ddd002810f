// Whether a file is whole.
#ifndef MXD_BINDINGS_STORE_SQLITE_EXAMINATION_H
#define MXD_BINDINGS_STORE_SQLITE_EXAMINATION_H

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "bindings/store/common/outcome.h"
#include "matrix_devices/store.h"

namespace mxd::store::sqlite {

// Reads it as it is, also while others have it open, and tells `visit` what is found. What is no
// database of ours is INVALID_ARGUMENT. An empty server name: whichever.
Outcome examine_file(const std::string& path, std::string_view server_name,
                     absl::FunctionRef<int32_t(const mxd_store_finding&)> visit);

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_EXAMINATION_H
