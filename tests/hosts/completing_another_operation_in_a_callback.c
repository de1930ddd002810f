/* From inside one request's callback, or its respond(), the host may complete another request's
 * operation. That one goes on when the callback has unwound, on this thread. */
#include "host_kit.h"

static kit_question parked;
static kit_request* waiting;

static int32_t completes_the_parked_one(kit_host* host, const kit_question* question) {
  if (question->request == waiting) {
    if (question->kind != KIT_GET_DEVICE) return kit_answer(host, question);
    parked = *question;
    return MXD_OK;
  }
  if (question->kind == KIT_LIST_DEVICES && parked.op != 0) {
    kit_answer(host, &parked);
    parked.op = 0;
    EXPECT_EQ(0, waiting->answers);
  }
  return kit_answer(host, question);
}

static void check_in_a_callback(kit_host* host) {
  kit_request first = {0}, second = {0};
  waiting = &first;
  EXPECT_EQ(MXD_OK, kit_get(host, &first, KIT_PHONE));
  EXPECT_EQ(0, first.answers);
  EXPECT_EQ(MXD_OK, kit_get(host, &second, KIT_LIST));
  EXPECT_EQ(1, first.answers);
  EXPECT_EQ(1, second.answers);
  EXPECT_ANSWER(host, &first, 200, "{\"device_id\":\"PHONE\"");
  EXPECT_ANSWER(host, &second, 200, "{\"devices\":[");
}

static void completes_in_respond(kit_host* host, kit_request* request) {
  if (request == waiting || parked.op == 0) return;
  kit_answer(host, &parked);
  parked.op = 0;
  EXPECT_EQ(0, waiting->answers);
}

static void check_in_respond(kit_host* host) {
  kit_request first = {0}, second = {0};
  waiting = &first;
  EXPECT_EQ(MXD_OK, kit_get(host, &first, KIT_PHONE));
  host->on_respond = completes_in_respond;
  EXPECT_EQ(MXD_OK, kit_send(host, &second, "OPTIONS", KIT_LIST, NULL));
  EXPECT_EQ(1, first.answers);
  EXPECT_EQ(1, second.answers);
  EXPECT_ANSWER(host, &first, 200, "PHONE");
  EXPECT_ANSWER(host, &second, 204, "");
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = completes_the_parked_one;
  kit_open(&host);
  check_in_a_callback(&host);
  check_in_respond(&host);
  EXPECT_EQ(1, kit_depth_highest());
  kit_close(&host);
  return kit_result();
}
