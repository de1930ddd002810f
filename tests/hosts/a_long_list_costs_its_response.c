/* A list of 100,000 devices: what the module takes from the heap stays in proportion to the
 * response, of which it keeps one copy (and, while that grows, the one it grows from). */
#include <stdlib.h>

#include "host_heap.h"
#include "host_kit.h"

enum { kMany = 100000 };

static int32_t emits_many(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_LIST_DEVICES) return kit_answer(host, question);
  char id[16], name[64];
  for (int i = 0; i < kMany; ++i) {
    const int id_size = snprintf(id, sizeof id, "DEVICE%06d", i);
    const int name_size = snprintf(name, sizeof name, "the \"good\" laptop, number %d", i);
    const mxd_device row = {.size = sizeof row,
                            .flags = MXD_DEVICE_HAS_DISPLAY_NAME | MXD_DEVICE_HAS_LAST_SEEN_IP |
                                     MXD_DEVICE_HAS_LAST_SEEN_TS,
                            .last_seen_ts_ms = 1500000000000 + i,
                            .device_id = {id, (size_t)id_size},
                            .display_name = {name, (size_t)name_size},
                            .last_seen_ip = KIT_TEXT("2001:db8::1")};
    EXPECT_EQ(MXD_OK, module->emit_device(question->op, &row));
  }
  return kit_complete(question->op, MXD_OK);
}

int main(int argc, char** argv) {
  if (!heap_is_counted()) return 77;
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = emits_many;
  kit_open(&host);
  for (int round = 0; round < 3; ++round) {
    kit_request request = {0};
    const size_t before = heap_bytes();
    heap_restart_peak();
    EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_LIST));
    EXPECT_ANSWER(&host, &request, 200, "{\"devices\":[{\"device_id\":\"DEVICE000000\"");
    EXPECT_EQ(1, request.body_size > kMany * 100u);
    const size_t growth = heap_peak() - before;
    printf("response %zu bytes, heap at most %zu more (%.2f ×), afterwards %zd\n",
           request.body_size, growth, (double)growth / (double)request.body_size,
           (ssize_t)(heap_bytes() - before));
    EXPECT_AT_MOST(request.body_size * 22 / 10, growth);
  }
  kit_close(&host);
  return kit_result();
}
