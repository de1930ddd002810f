/* destroy() while a request is open is refused and does not block; the request goes on as if
 * nothing had been asked, and afterwards destroy() succeeds. */
#include "host_kit.h"

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(MXD_BUSY, module->destroy(host.instance));
    const kit_question question = kit_take(&host);
    EXPECT_EQ(MXD_BUSY, module->destroy(host.instance));
    kit_answer(&host, &question);
  }
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  /* A refused destroy() did not close anything. */
  host.ask = kit_answer;
  kit_request next = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &next, KIT_PHONE));
  EXPECT_ANSWER(&host, &next, 200, "PHONE");
  kit_close(&host);
  return kit_result();
}
