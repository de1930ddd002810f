/* handle() from inside respond(), and from inside a callback, is queued until the outermost call
 * into the module on that thread unwinds: no callback ever stands on another one, and a chain of
 * 100,000 requests goes no deeper than one. */
#include "host_kit.h"

enum { kChain = 100000 };

static unsigned sent;
static kit_request requests[2];

/* Each answer sends the next request, as a server does that finds one more in its buffer. */
static void sends_the_next(kit_host* host, kit_request* request) {
  if (sent == kChain) return;
  kit_request* next = &requests[++sent % 2];
  next->answers = 0;
  EXPECT_EQ(MXD_OK, kit_get(host, next, KIT_LIST));
  EXPECT_EQ(0, next->answers);
  EXPECT_EQ(1, next->token != 0);
}

static void check_chain(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request warm_up = {0};
  kit_stack_mark();
  EXPECT_EQ(MXD_OK, kit_get(&host, &warm_up, KIT_LIST));
  const size_t depth_of_one = kit_stack_deepest();

  host.on_respond = sends_the_next;
  requests[0].answers = 0;
  sent = 0;
  kit_stack_mark();
  EXPECT_EQ(MXD_OK, kit_get(&host, &requests[0], KIT_LIST));
  /* The outermost call has unwound, so everything that was queued in it is done. */
  EXPECT_EQ(kChain, sent);
  EXPECT_EQ(kChain + 2, host.answered);
  EXPECT_AT_MOST(depth_of_one + 4096, kit_stack_deepest());
  kit_close(&host);
}

/* Many requests sent from one callback, before its own answer. */
enum { kFan = 64 };
static kit_request fan[kFan];

static int32_t sends_many(kit_host* host, const kit_question* question) {
  if (question->request->mine == NULL || question->kind != KIT_AUTHENTICATE) {
    return kit_answer(host, question);
  }
  for (int i = 0; i < kFan; ++i) {
    EXPECT_EQ(MXD_OK, kit_get(host, &fan[i], i % 2 == 0 ? KIT_PHONE : KIT_LIST));
    EXPECT_EQ(0, fan[i].answers);
  }
  kit_answer(host, question);
  EXPECT_EQ(0, question->request->answers);
  return MXD_OK;
}

static void check_fan(void) {
  kit_host host;
  kit_init(&host);
  host.ask = sends_many;
  kit_open(&host);
  kit_request first = {.mine = &host};
  EXPECT_EQ(MXD_OK, kit_get(&host, &first, KIT_PHONE));
  EXPECT_EQ(1, first.answers);
  EXPECT_EQ(200, first.status);
  for (int i = 0; i < kFan; ++i) {
    EXPECT_EQ(1, fan[i].answers);
    EXPECT_EQ(200, fan[i].status);
  }
  kit_close(&host);
}

/* What is not the module's is told at once, also there. */
static int32_t sends_what_is_refused(kit_host* host, const kit_question* question) {
  kit_request refused = {0};
  EXPECT_EQ(MXD_NOT_MINE, kit_get(host, &refused, "/_matrix/client/v3/sync"));
  EXPECT_EQ(MXD_NOT_MINE, kit_get(host, &refused, KIT_LIST "/"));
  EXPECT_EQ(0, refused.answers);
  return kit_answer(host, question);
}

static void check_refused(void) {
  kit_host host;
  kit_init(&host);
  host.ask = sends_what_is_refused;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_chain();
  check_fan();
  check_refused();
  EXPECT_EQ(1, kit_depth_highest());
  return kit_result();
}
