// What `identify` of store.h makes of what `authenticate` of module.h finds.
#ifndef MXD_BINDINGS_STORE_COMMON_IDENTITY_H
#define MXD_BINDINGS_STORE_COMMON_IDENTITY_H

#include <cstdint>

#include "matrix_devices/store.h"

namespace mxd::store {

// The flags of an identity.
uint32_t identity_flags(const mxd_principal& principal, bool is_suspended);

// What a person is told of a refusal; empty where that is no fault of the token's.
const char* refusal_reason(int32_t status);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_IDENTITY_H
