/* An asynchronous host: each question is answered by a worker, after its callback has returned. The
 * answer comes on the thread that completed the last operation. */
#include "host_kit.h"

enum { kRequests = 200 };

static void* works(void* argument) {
  kit_host* host = argument;
  for (int i = 0; i < 2 * kRequests; ++i) { /* authenticate, and the question itself */
    const kit_question question = kit_take(host);
    kit_answer(host, &question);
  }
  return NULL;
}

int main(int argc, char** argv) {
  static kit_request requests[kRequests];
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_EQ(MXD_OK, kit_get(&host, &requests[i], i % 2 == 0 ? KIT_PHONE : KIT_LIST));
    EXPECT_EQ(0, requests[i].answers);
  }
  /* Not before: a completion that overtakes the callback's return goes on on the callback's thread
     (completion_while_the_callback_runs.c). */
  pthread_t worker;
  pthread_create(&worker, NULL, works, &host);
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_ANSWER(&host, &requests[i], 200, "\"device_id\":\"PHONE\"");
    EXPECT_EQ(1, pthread_equal(worker, requests[i].thread));
  }
  pthread_join(worker, NULL);
  kit_close(&host);
  return kit_result();
}
