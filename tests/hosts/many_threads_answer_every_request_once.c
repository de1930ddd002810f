/* Everything at once: several threads send, others answer what was put aside, some questions are
 * answered inline, some requests are cancelled from here or there. Each request is answered exactly
 * once, and those that nobody cancelled are answered right. */
#include <stdatomic.h>

#include "host_kit.h"

enum { kSenders = 4, kWorkers = 3, kRounds = 1500, kInFlight = 16 };

typedef struct sent {
  kit_request request;
  atomic_bool cancelled;
  unsigned how; /* a few random bits that decide what happens to it */
} sent;

static atomic_uint cancels;

static void cancel(kit_request* request) {
  sent* it = request->mine;
  atomic_store(&it->cancelled, true);
  const int32_t status = module->cancel(request->token);
  EXPECT_EQ(1, status == MXD_OK || status == MXD_STALE);
  atomic_fetch_add(&cancels, 1);
}

static int32_t inline_or_later(kit_host* host, const kit_question* question) {
  const sent* it = question->request->mine;
  const unsigned bit = question->kind == KIT_AUTHENTICATE ? 1 : 2;
  return (it->how & bit) != 0 ? kit_answer(host, question) : kit_park(host, question);
}

static void* works(void* argument) {
  kit_host* host = argument;
  for (;;) {
    const kit_question question = kit_take(host);
    if (question.kind == KIT_KINDS) return NULL;
    const sent* it = question.request->mine;
    if ((it->how & 0x1C) == 0x1C) cancel(question.request);
    kit_answer(host, &question);
  }
}

typedef struct sender {
  kit_host* host;
  unsigned state;
  pthread_t thread;
  sent sent[kInFlight];
} sender;

static void* sends(void* argument) {
  static const char* const targets[] = {KIT_LIST, KIT_PHONE, KIT_LIST "/NONE"};
  sender* self = argument;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kInFlight; ++i) {
      sent* it = &self->sent[i];
      self->state = self->state * 1664525u + 1013904223u;
      it->how = self->state >> 20;
      it->request.answers = 0;
      it->request.mine = it;
      atomic_store(&it->cancelled, false);
      EXPECT_EQ(MXD_OK, kit_get(self->host, &it->request, targets[i % 3]));
      if ((it->how & 0xE0) == 0xE0) cancel(&it->request);
    }
    for (int i = 0; i < kInFlight; ++i) {
      sent* it = &self->sent[i];
      kit_wait(self->host, &it->request);
      if (!atomic_load(&it->cancelled)) EXPECT_EQ(i % 3 == 2 ? 404 : 200, it->request.status);
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  static sender senders[kSenders];
  pthread_t workers[kWorkers];
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.ask = inline_or_later;
  kit_open(&host);
  for (int i = 0; i < kWorkers; ++i)
    pthread_create(&workers[i], NULL, works, &host);
  for (int i = 0; i < kSenders; ++i) {
    senders[i].host = &host;
    senders[i].state = (unsigned)i + 1;
    pthread_create(&senders[i].thread, NULL, sends, &senders[i]);
  }
  for (int i = 0; i < kSenders; ++i)
    pthread_join(senders[i].thread, NULL);
  const kit_question enough = {.kind = KIT_KINDS};
  for (int i = 0; i < kWorkers; ++i)
    kit_park(&host, &enough);
  for (int i = 0; i < kWorkers; ++i)
    pthread_join(workers[i], NULL);

  EXPECT_EQ(kSenders * kRounds * kInFlight, host.answered);
  EXPECT_EQ(1, atomic_load(&cancels) > 100);
  printf("%u requests, %u cancels of which %u came while an operation was open\n", host.answered,
         atomic_load(&cancels), host.cancelled);
  kit_close(&host);
  return kit_result();
}
