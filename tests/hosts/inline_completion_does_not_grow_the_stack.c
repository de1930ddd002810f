/* Completing inside the callback is an ordinary return as far as the stack goes: neither a list of
 * 100,000 devices nor 100,000 requests one after the other go deeper than one request. */
#include <stdlib.h>

#include "host_kit.h"

enum { kMany = 100000 };

static size_t depth_of_one_get(kit_host* host) {
  kit_request request = {0};
  kit_stack_mark();
  EXPECT_EQ(MXD_OK, kit_get(host, &request, KIT_LIST));
  EXPECT_EQ(1, request.answers);
  EXPECT_EQ(200, request.status);
  return kit_stack_deepest();
}

static void check_many_devices(kit_host* host) {
  char(*ids)[16] = calloc(kMany, sizeof *ids);
  mxd_device* devices = calloc(kMany, sizeof *devices);
  size_t expected = strlen("{\"devices\":[]}") + kMany - 1;
  for (size_t i = 0; i < kMany; ++i) {
    const int length = snprintf(ids[i], sizeof ids[i], "D%zu", i);
    devices[i] = (mxd_device){.size = sizeof *devices, .device_id = {ids[i], (size_t)length}};
    expected += strlen("{\"device_id\":\"\"}") + (size_t)length;
  }
  host->devices = devices;
  host->device_count = kMany;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(host, &request, KIT_LIST));
  EXPECT_ANSWER(host, &request, 200, "{\"devices\":[{\"device_id\":\"D0\"},");
  EXPECT_EQ(expected, request.body_size);
  free(devices);
  free(ids);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  depth_of_one_get(&host);
  const size_t before = depth_of_one_get(&host);
  kit_stack_mark();
  for (int i = 0; i < kMany; ++i) {
    kit_request request;
    request.answers = 0;
    EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_LIST));
    EXPECT_EQ(200, request.status);
  }
  EXPECT_AT_MOST(before + 4096, kit_stack_deepest());
  check_many_devices(&host);
  EXPECT_EQ(1, kit_depth_highest());
  kit_close(&host);
  return kit_result();
}
