/* abandon() is for a process that is going away: with requests in flight, the host is not called
 * again, its operations are stale, and the arguments that it still holds stay readable. */
#include "host_kit.h"

enum { kInFlight = 20 };

static unsigned calls_of(const kit_host* host) {
  unsigned calls = host->answered + host->cancelled + host->released + host->line_count;
  for (int kind = 0; kind < KIT_KINDS; ++kind)
    calls += host->asked[kind];
  return calls;
}

static void check_in_flight(void) {
  static kit_request requests[kInFlight];
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  for (int i = 0; i < kInFlight; ++i) {
    EXPECT_EQ(MXD_OK, kit_get(&host, &requests[i], KIT_PHONE));
    if (i % 4 != 0) continue; /* some get as far as their second question, or their answer */
    const kit_question question = kit_take(&host);
    kit_answer(&host, &question);
  }
  const unsigned calls = calls_of(&host);
  EXPECT_EQ(MXD_OK, module->abandon(host.instance));
  EXPECT_EQ(kInFlight, host.parked_count + host.answered);
  EXPECT_EQ(1, host.parked_count >= kInFlight / 2);
  while (host.parked_count != 0) {
    const kit_question question = kit_take(&host);
    if (question.kind == KIT_GET_DEVICE) {
      const mxd_device_key* key = question.argument;
      EXPECT_TEXT("PHONE", key->device_id);
    }
    EXPECT_EQ(MXD_STALE, module->emit_device(question.op, &host.devices[1]));
    EXPECT_EQ(MXD_STALE, module->complete(question.op, MXD_OK));
    EXPECT_EQ(MXD_STALE, module->cancel(question.request->token));
  }
  EXPECT_EQ(MXD_OK, module->destroy(host.instance));
  EXPECT_EQ(calls, calls_of(&host));
}

static void check_idle(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  EXPECT_EQ(MXD_OK, module->abandon(host.instance));
  EXPECT_EQ(MXD_OK, module->destroy(host.instance));
}

/* From inside a callback: not even that request is answered. */
static int32_t abandons(kit_host* host, const kit_question* question) {
  EXPECT_EQ(MXD_OK, module->abandon(host->instance));
  EXPECT_EQ(MXD_STALE, module->complete(question->op, MXD_OK));
  return MXD_OK;
}

static void check_inside_a_callback(void) {
  kit_host host;
  kit_init(&host);
  host.ask = abandons;
  kit_open(&host);
  kit_request request = {0};
  kit_get(&host, &request, KIT_PHONE);
  EXPECT_EQ(1, calls_of(&host));
  EXPECT_EQ(0, request.answers);
  EXPECT_EQ(MXD_OK, module->destroy(host.instance));
}

/* Another instance does not notice. */
int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host bystander;
  kit_init(&bystander);
  bystander.ask = kit_park;
  kit_open(&bystander);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&bystander, &request, KIT_LIST));

  check_in_flight();
  check_idle();
  check_inside_a_callback();

  bystander.ask = kit_answer;
  const kit_question question = kit_take(&bystander);
  kit_answer(&bystander, &question);
  EXPECT_ANSWER(&bystander, &request, 200, "PHONE");
  kit_close(&bystander);
  return kit_result();
}
