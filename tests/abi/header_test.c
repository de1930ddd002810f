/* The whole of a translation unit that knows the contract only: module.h needs nothing before it.
 * Compiling this, as C and as C++, with -Wpadded and every other warning an error, is the test. */
#include <matrix_devices/module.h>

int uses_the_contract(const mxd_module* module, mxd_op op);

int uses_the_contract(const mxd_module* module, mxd_op op) {
  return module->complete(op, MXD_OK);
}
