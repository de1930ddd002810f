/* H4: where the module has no memory the answer is a 500 that needs none, the log says so, and the
 * next request works. */
#include "host_heap.h"
#include "host_kit.h"

enum { kMany = 10000, kLarge = 64 * 1024 };

#define OUT_OF_MEMORY "{\"errcode\":\"M_UNKNOWN\",\"error\":\"The server ran out of memory;"

static char large[4 * kLarge];

/* A body for which there is no room. */
static void check_while_it_is_taken(kit_host* host) {
  memset(large, ' ', sizeof large - 1);
  const unsigned logged = host->logged[MXD_LOG_ERROR];
  kit_request refused = {0}, next = {0};
  heap_refuse_from(kLarge);
  EXPECT_EQ(MXD_OK, kit_send(host, &refused, "PUT", KIT_PHONE, large));
  heap_refuse_from(0);
  EXPECT_ANSWER(host, &refused, 500, OUT_OF_MEMORY);
  EXPECT_EQ(logged + 1, host->logged[MXD_LOG_ERROR]);
  EXPECT_EQ(0, host->asked[KIT_AUTHENTICATE]);
  kit_get(host, &next, KIT_PHONE);
  EXPECT_ANSWER(host, &next, 200, "PHONE");
}

static int32_t emits_many(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_LIST_DEVICES) return kit_answer(host, question);
  int32_t status = MXD_OK;
  for (int i = 0; i < kMany && status == MXD_OK; ++i) {
    char id[16];
    const int size = snprintf(id, sizeof id, "DEVICE%06d", i);
    const mxd_device row = {.size = sizeof row, .device_id = {id, (size_t)size}};
    status = module->emit_device(question->op, &row);
  }
  EXPECT_EQ(MXD_NO_MEMORY, status);
  return kit_complete(question->op, MXD_OK);
}

/* A list for which there is no room: never a part of it (G4). */
static void check_while_it_is_answered(kit_host* host) {
  kit_request refused = {0}, next = {0};
  host->ask = emits_many;
  heap_refuse_from(kLarge);
  EXPECT_EQ(MXD_OK, kit_get(host, &refused, KIT_LIST));
  heap_refuse_from(0);
  EXPECT_ANSWER(host, &refused, 500, "M_UNKNOWN");
  host->ask = kit_answer;
  kit_get(host, &next, KIT_LIST);
  EXPECT_ANSWER(host, &next, 200, "PHONE");
}

int main(int argc, char** argv) {
  if (!heap_is_counted()) return 77;
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  check_while_it_is_taken(&host);
  check_while_it_is_answered(&host);
  kit_close(&host);
  return kit_result();
}
