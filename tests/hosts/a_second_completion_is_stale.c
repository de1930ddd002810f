/* An operation is completed once. A host that does it again is told STALE, the log says so, and the
 * client has the answer of the first. */
#include "host_kit.h"

/* Inline: both before the callback returns. */
static int32_t completes_twice(kit_host* host, const kit_question* question) {
  kit_answer(host, question);
  EXPECT_EQ(MXD_STALE, module->complete(question->op, MXD_INTERNAL));
  return MXD_OK;
}

static void check(int32_t (*ask)(kit_host*, const kit_question*)) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = ask;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "\"device_id\":\"PHONE\"");
  kit_close(&host);
}

/* Nothing can be emitted after a completion either. */
static int32_t emits_after_completing(kit_host* host, const kit_question* question) {
  kit_answer(host, question);
  EXPECT_EQ(MXD_STALE, module->emit_device(question->op, &host->devices[0]));
  EXPECT_EQ(MXD_STALE, module->emit_principal(question->op, &host->principal));
  return MXD_OK;
}

/* Later: the second comes when the callback has returned, and the request has gone on. */
static void check_later(void) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));

  const kit_question first = kit_take(&host);
  EXPECT_EQ(KIT_AUTHENTICATE, first.kind);
  kit_answer(&host, &first);
  EXPECT_EQ(MXD_STALE, module->complete(first.op, MXD_UNKNOWN_TOKEN));

  const kit_question second = kit_take(&host);
  EXPECT_EQ(KIT_GET_DEVICE, second.kind);
  EXPECT_EQ(1, first.op != second.op);
  EXPECT_EQ(MXD_STALE, module->complete(first.op, MXD_UNKNOWN_TOKEN));
  kit_answer(&host, &second);
  EXPECT_ANSWER(&host, &request, 200, "\"device_id\":\"PHONE\"");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check(completes_twice);
  check(emits_after_completing);
  check_later();
  return kit_result();
}
