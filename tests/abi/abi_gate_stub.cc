// A library with the module's one export and nothing behind it: what the controls of the ABI gate
// build from a mutated header.
#include "matrix_devices/module.h"

extern "C" const mxd_module* matrix_devices_module_v1() noexcept {
  static const mxd_module table = {};
  return &table;
}
