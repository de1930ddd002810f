/* MXD_HAS, asked by a side of 1.1: the field of 1.1 is absent from a record of 1.0 and there in one
 * of 1.1; those of 1.0 are in both. */
#include <stdio.h>

#include "matrix_devices/module.h"

const void* record_of_1_0(void);
const void* record_of_1_1(void);

static int expect(const char* what, int expected, int got) {
  if (expected == got) return 0;
  fprintf(stderr, "%s: expected %d, got %d\n", what, expected, got);
  return 1;
}

int main(void) {
  const mxd_device* old = record_of_1_0();
  const mxd_device* grown = record_of_1_1();
  int failures = 0;
  failures += expect("the size of the old one", MXD_DEVICE_SIZE_1_0, (int)old->size);
  failures += expect("last_seen_ip of the old one", 1, MXD_HAS(old, last_seen_ip));
  failures += expect("since_1_1 of the old one", 0, MXD_HAS(old, since_1_1));
  failures += expect("last_seen_ip of the new one", 1, MXD_HAS(grown, last_seen_ip));
  failures += expect("since_1_1 of the new one", 1, MXD_HAS(grown, since_1_1));
  /* Half a field is none. */
  const mxd_device half = {.size = MXD_DEVICE_SIZE_1_0 + 8};
  failures += expect("since_1_1 of one cut in the middle", 0, MXD_HAS(&half, since_1_1));
  return failures == 0 ? 0 : 1;
}
