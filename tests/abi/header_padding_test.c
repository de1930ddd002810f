/* The control of header_test.c: this has a hole after `size`, and must not compile. */
#include "matrix_devices/module.h"

struct has_a_hole {
  uint32_t size;
  uint64_t number;
};

extern struct has_a_hole hole;
