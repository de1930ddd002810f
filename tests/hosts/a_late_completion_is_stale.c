/* complete() takes nothing but the operation, so that a host which is late does no harm: not after
 * the answer, not after the instance is gone, not with a number that never was an operation. */
#include "host_kit.h"

static mxd_op last_op;

static int32_t remembers(kit_host* host, const kit_question* question) {
  last_op = question->op;
  return kit_answer(host, question);
}

static void expect_stale(mxd_op op) {
  EXPECT_EQ(MXD_STALE, module->complete(op, MXD_OK));
  EXPECT_EQ(MXD_STALE, module->emit_reason(op, KIT_TEXT("late")));
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = remembers;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  expect_stale(last_op);

  /* The slot of that operation is used again: the old number does not name the new one. */
  const mxd_op old_op = last_op;
  host.ask = kit_park;
  kit_request second = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &second, KIT_PHONE));
  const kit_question open = kit_take(&host);
  expect_stale(old_op);
  host.ask = remembers;
  kit_answer(&host, &open);
  EXPECT_ANSWER(&host, &second, 200, "PHONE");
  EXPECT_EQ(MXD_STALE, module->cancel(request.token));
  kit_close(&host);

  expect_stale(last_op);
  expect_stale(0);
  expect_stale(1);
  expect_stale(UINT64_MAX);
  EXPECT_EQ(MXD_STALE, module->cancel(request.token));
  EXPECT_EQ(MXD_STALE, module->cancel(0));
  EXPECT_EQ(MXD_STALE, module->cancel(UINT64_MAX));
  return kit_result();
}
