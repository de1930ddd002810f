// No exception crosses the contract: what an entry throws becomes its status.
#pragma once

#include <cstdint>
#include <exception>
#include <new>

#include "matrix_devices/module.h"

namespace mxd::check {

template <class Function>
int32_t guarded(Function&& function) noexcept {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return MXD_NO_MEMORY;
  } catch (const std::exception&) {
    return MXD_INTERNAL;
  }
}

}  // namespace mxd::check
