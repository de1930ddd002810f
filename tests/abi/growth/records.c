/* A device as a side of some minor writes it; compiled with the header of 1.0 and of 1.1. */
#include "matrix_devices/module.h"

const void* RECORD_OF_IT(void);

const void* RECORD_OF_IT(void) {
  static const mxd_device device = {.size = sizeof device};
  return &device;
}
