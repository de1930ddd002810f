/* shutdown(): what is in flight is finished, what is new is refused, `done` is called once, after
 * every other callback; and destroy() is legal inside it. */
#include "host_kit.h"

static unsigned done_calls;
static kit_host* destroyed_in_done;

static void done(mxd_cookie cookie) {
  EXPECT_EQ(4711, cookie);
  ++done_calls;
}

static void done_and_destroy(mxd_cookie cookie) {
  EXPECT_EQ(4712, cookie);
  ++done_calls;
  EXPECT_EQ(MXD_OK, module->destroy(destroyed_in_done->instance));
}

static void expect_refused(kit_host* host) {
  kit_request late = {0};
  EXPECT_EQ(MXD_UNAVAILABLE, kit_get(host, &late, KIT_LIST));
  EXPECT_EQ(0, late.answers);
}

/* With nothing in flight `done` comes before shutdown() returns. */
static void check_idle(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  done_calls = 0;
  EXPECT_EQ(MXD_OK, module->shutdown(host.instance, done, 4711));
  EXPECT_EQ(1, done_calls);
  EXPECT_EQ(MXD_BUSY, module->shutdown(host.instance, done, 4711));
  EXPECT_EQ(1, done_calls);
  expect_refused(&host);
  kit_close(&host);
  EXPECT_EQ(1, done_calls);
}

static void not_done_yet(kit_host* host, kit_request* request) {
  EXPECT_EQ(0, done_calls);
}

static void check_in_flight(bool destroy) {
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  host.on_respond = not_done_yet;
  kit_open(&host);
  kit_request requests[2] = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &requests[0], KIT_PHONE));
  EXPECT_EQ(MXD_OK, kit_get(&host, &requests[1], KIT_PHONE));
  done_calls = 0;
  destroyed_in_done = &host;
  EXPECT_EQ(MXD_OK, module->shutdown(host.instance, destroy ? done_and_destroy : done,
                                     destroy ? 4712 : 4711));
  EXPECT_EQ(MXD_BUSY, module->shutdown(host.instance, done, 1));
  expect_refused(&host);
  for (int i = 0; i < 4; ++i) { /* two requests with two questions each */
    EXPECT_EQ(0, done_calls);
    EXPECT_EQ(MXD_BUSY, module->destroy(host.instance));
    const kit_question question = kit_take(&host);
    kit_answer(&host, &question);
  }
  EXPECT_ANSWER(&host, &requests[0], 200, "PHONE");
  EXPECT_ANSWER(&host, &requests[1], 200, "PHONE");
  EXPECT_EQ(1, done_calls);
  if (destroy) {
    kit_check(&host);
  } else {
    expect_refused(&host);
    kit_close(&host);
  }
}

/* From inside a callback it is only noted; the request is finished first. */
static int32_t shuts_down(kit_host* host, const kit_question* question) {
  if (question->kind == KIT_AUTHENTICATE) {
    EXPECT_EQ(MXD_OK, module->shutdown(host->instance, done, 4711));
    EXPECT_EQ(0, done_calls);
    expect_refused(host);
  }
  return kit_answer(host, question);
}

static void check_inside_a_callback(void) {
  kit_host host;
  kit_init(&host);
  host.ask = shuts_down;
  host.on_respond = not_done_yet;
  kit_open(&host);
  done_calls = 0;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  EXPECT_EQ(1, done_calls);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_idle();
  check_in_flight(false);
  check_in_flight(true);
  check_inside_a_callback();
  return kit_result();
}
