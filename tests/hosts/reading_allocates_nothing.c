/* In steady state GET /devices and GET /devices/{deviceId} with a host that answers inline take
 * nothing from the heap. */
#include <stdlib.h>

#include "host_heap.h"
#include "host_kit.h"

enum { kWarmUp = 100, kRequests = 1000 };

static size_t allocations_of(kit_host* host, const char* target, int requests) {
  const size_t before = heap_allocations();
  for (int i = 0; i < requests; ++i) {
    kit_request request;
    request.answers = 0;
    EXPECT_EQ(MXD_OK, kit_get(host, &request, target));
    EXPECT_EQ(200, request.status);
  }
  return heap_allocations() - before;
}

int main(int argc, char** argv) {
  if (!heap_is_counted()) return 77;
  kit_load(argc, argv);

  /* The control: what the program and what the module allocate is counted. */
  size_t before = heap_allocations();
  void* volatile block = malloc(10);
  free(block);
  EXPECT_EQ(1, heap_allocations() - before);
  kit_host host;
  kit_init(&host);
  before = heap_allocations();
  kit_open(&host);
  EXPECT_EQ(1, heap_allocations() > before);

  const char* const targets[] = {KIT_LIST, KIT_PHONE, "/_matrix/client/r0/devices/TABL%45T"};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; ++i) {
    allocations_of(&host, targets[i], kWarmUp);
    const size_t allocations = allocations_of(&host, targets[i], kRequests);
    printf("%d × GET %s: %zu allocations\n", kRequests, targets[i], allocations);
    EXPECT_EQ(0, allocations);
  }
  kit_close(&host);
  return kit_result();
}
