/* destroy() from inside respond() or any other callback is refused, and does no harm. */
#include "host_kit.h"

static int32_t destroys(kit_host* host, const kit_question* question) {
  EXPECT_EQ(MXD_BUSY, module->destroy(host->instance));
  kit_answer(host, question);
  EXPECT_EQ(MXD_BUSY, module->destroy(host->instance));
  return MXD_OK;
}

static void destroys_in_respond(kit_host* host, kit_request* request) {
  EXPECT_EQ(MXD_BUSY, module->destroy(host->instance));
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = destroys;
  host.on_respond = destroys_in_respond;
  kit_open(&host);
  kit_request requests[3] = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &requests[0], KIT_LIST));
  EXPECT_ANSWER(&host, &requests[0], 200, "TABLET");
  EXPECT_EQ(MXD_OK, kit_get(&host, &requests[1], KIT_PHONE));
  EXPECT_ANSWER(&host, &requests[1], 200, "PHONE");
  /* respond() without a question before it. */
  EXPECT_EQ(MXD_OK, kit_send(&host, &requests[2], "OPTIONS", KIT_LIST, NULL));
  EXPECT_ANSWER(&host, &requests[2], 204, "");
  kit_close(&host);
  return kit_result();
}
