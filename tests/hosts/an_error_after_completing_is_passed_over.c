/* A callback that returns an error and completes as well contradicts itself: the completion counts,
 * and the log says so. */
#include "host_kit.h"

static kit_kind contradicted;

static int32_t completes_and_fails(kit_host* host, const kit_question* question) {
  kit_answer(host, question);
  return question->kind == contradicted ? MXD_UNAVAILABLE : MXD_OK;
}

static void* completes(void* argument) {
  const kit_question* question = argument;
  kit_answer(question->request->mine, question);
  return NULL;
}

/* The same from another thread, which is done before the callback returns its error. */
static int32_t another_completes_and_this_fails(kit_host* host, const kit_question* question) {
  pthread_t other;
  kit_question copy = *question;
  pthread_create(&other, NULL, completes, &copy);
  pthread_join(other, NULL);
  return question->kind == contradicted ? MXD_INTERNAL : MXD_OK;
}

static void check(kit_kind kind, int32_t (*ask)(kit_host*, const kit_question*)) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = ask;
  kit_open(&host);
  contradicted = kind;
  kit_request request = {.mine = &host};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "\"device_id\":\"PHONE\"");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check(KIT_AUTHENTICATE, completes_and_fails);
  check(KIT_GET_DEVICE, completes_and_fails);
  check(KIT_AUTHENTICATE, another_completes_and_this_fails);
  check(KIT_GET_DEVICE, another_completes_and_this_fails);
  return kit_result();
}
