/* Another thread may complete an operation while the callback that was asked is still on its own
 * thread's stack. The request goes on only when that callback has returned. */
#include "host_kit.h"

static bool completed;

static void* completes(void* argument) {
  const kit_question* question = argument;
  kit_host* host = question->request->mine;
  kit_answer(host, question);
  /* complete() has returned here, and nothing has gone on yet: the callback still stands. */
  EXPECT_EQ(0, kit_answers(host, question->request));
  pthread_mutex_lock(&host->lock);
  completed = true;
  pthread_cond_broadcast(&host->changed);
  pthread_mutex_unlock(&host->lock);
  return NULL;
}

static int32_t waits_for_the_other_thread(kit_host* host, const kit_question* question) {
  completed = false;
  const unsigned asked_before = host->asked[KIT_GET_DEVICE];
  pthread_t other;
  kit_question copy = *question;
  pthread_create(&other, NULL, completes, &copy);
  pthread_mutex_lock(&host->lock);
  while (!completed)
    pthread_cond_wait(&host->changed, &host->lock);
  EXPECT_EQ(asked_before, host->asked[KIT_GET_DEVICE]);
  pthread_mutex_unlock(&host->lock);
  EXPECT_EQ(0, kit_answers(host, question->request));
  pthread_join(other, NULL);
  return MXD_OK;
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = waits_for_the_other_thread;
  kit_open(&host);
  for (int i = 0; i < 100; ++i) {
    kit_request request = {.mine = &host};
    EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
    EXPECT_ANSWER(&host, &request, 200, "PHONE");
    EXPECT_EQ(1, pthread_equal(pthread_self(), request.thread));
  }
  EXPECT_EQ(1, kit_depth_highest());
  kit_close(&host);
  return kit_result();
}
