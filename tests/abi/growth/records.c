/* A device as a side of some minor writes it; compiled with the header and with the grown one. */
#include "matrix_devices/module.h"

const void* RECORD_OF_IT(void);

const void* RECORD_OF_IT(void) {
  static const mxd_device device = {.size = sizeof device};
  return &device;
}
