/* MXD_HAS, asked by a grown side: the new field is absent from a record of before and there in a
 * grown one; those of before are in both. */
#include <stddef.h>
#include <stdio.h>

#include "matrix_devices/module.h"

#include "growth.h"

const void* record_of_before(void);
const void* grown_record(void);

static int expect(const char* what, int expected, int got) {
  if (expected == got) return 0;
  fprintf(stderr, "%s: expected %d, got %d\n", what, expected, got);
  return 1;
}

int main(void) {
  const mxd_device* old = record_of_before();
  const mxd_device* grown = grown_record();
  int failures = 0;
  failures += expect("the size of the old one", KNOWN_mxd_device, (int)old->size);
  failures += expect("last_seen_ip of the old one", 1, MXD_HAS(old, last_seen_ip));
  failures += expect("since_next of the old one", 0, MXD_HAS(old, since_next));
  failures += expect("last_seen_ip of the new one", 1, MXD_HAS(grown, last_seen_ip));
  failures += expect("since_next of the new one", 1, MXD_HAS(grown, since_next));
  /* Half a field is none. */
  const mxd_device half = {.size = KNOWN_mxd_device + 8};
  failures += expect("since_next of one cut in the middle", 0, MXD_HAS(&half, since_next));
  return failures == 0 ? 0 : 1;
}
