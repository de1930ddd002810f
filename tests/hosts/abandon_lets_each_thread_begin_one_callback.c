/* abandon() while threads are inside the module: each may still begin the one callback that it was
 * about to call, and no other begins. Completions after it are stale, also those of operations that
 * such a callback is asked with, and the slots of that instance are never given out again. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host_kit.h"

enum { kThreads = 4, kInstances = 150 };

typedef struct race {
  mxd_instance* instance;
  atomic_int go;
  atomic_int abandoned; /* abandon() has returned */
  atomic_uint calls;
  atomic_uint late_completions; /* not stale */
} race;

static _Thread_local unsigned begun_late; /* by this thread, after abandon() had returned */

static race* begin(mxd_cookie host) {
  race* here = (race*)host;
  atomic_fetch_add(&here->calls, 1);
  if (atomic_load(&here->abandoned)) ++begun_late;
  return here;
}

static int32_t complete(race* here, mxd_op op, int32_t status) {
  const int was_abandoned = atomic_load(&here->abandoned);
  const int32_t completed = module->complete(op, status);
  if (was_abandoned && completed != MXD_STALE) atomic_fetch_add(&here->late_completions, 1);
  return MXD_OK;
}

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  begin(host);
}
static void release_principal(mxd_cookie host, mxd_cookie principal) {
  begin(host);
}
static int64_t now_ms(mxd_cookie host) {
  begin(host);
  return 1700000000000;
}
static void log_line(mxd_cookie host, mxd_cookie request, int32_t level, mxd_view message) {
  begin(host);
}
static int32_t authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie none,
                            const mxd_credentials* credentials) {
  race* here = begin(host);
  mxd_principal principal = {.size = sizeof principal, .cookie = 1};
  principal.user_id = KIT_TEXT("@alice:test");
  principal.device_id = KIT_TEXT("PHONE");
  module->emit_principal(op, &principal);
  return complete(here, op, MXD_OK);
}
static int32_t flows(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                     const mxd_uia_operation* operation) {
  race* here = begin(host);
  const mxd_uia_stage stage = {.size = sizeof stage, .type = KIT_TEXT("m.login.password")};
  module->emit_stage(op, &stage);
  return complete(here, op, MXD_OK);
}
/* A line of log as well, so that the module has two callbacks to begin one after the other. */
static int32_t create_session(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_uia_session* session) {
  return complete(begin(host), op, MXD_INTERNAL);
}
/* The other callbacks are the kit's, and never come. */
static mxd_host table_of(race* here) {
  kit_host kit;
  kit_init(&kit);
  mxd_host host = kit.table;
  host.cookie = (mxd_cookie)here;
  host.respond = respond;
  host.release_principal = release_principal;
  host.now_ms = now_ms;
  host.log = log_line;
  host.authenticate = authenticate;
  host.uia_flows = flows;
  host.uia_create_session = create_session;
  return host;
}

static void* sends(void* argument) {
  race* here = argument;
  const mxd_header header = {KIT_TEXT("Authorization"), KIT_TEXT("Bearer " KIT_TOKEN)};
  mxd_request request = {.size = sizeof request, .headers = &header, .header_count = 1};
  request.method = KIT_TEXT("DELETE");
  request.target = KIT_TEXT(KIT_PHONE);
  begun_late = 0;
  while (!atomic_load(&here->go)) {
  }
  while (module->handle(here->instance, &request, NULL) == MXD_OK) {
  }
  return (void*)(uintptr_t)begun_late;
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  unsigned late = 0;
  for (int i = 0; i < kInstances; ++i) {
    /* Leaked, as the module may leak what is in use. */
    race* here = calloc(1, sizeof *here);
    const mxd_host host = table_of(here);
    char error[256];
    EXPECT_EQ(MXD_OK, module->create(&host, KIT_TEXT(""), &here->instance, error, sizeof error));
    pthread_t threads[kThreads];
    for (int k = 0; k < kThreads; ++k)
      pthread_create(&threads[k], NULL, sends, here);
    atomic_store(&here->go, 1);
    /* Somewhere in the middle of it: other instances, other moments. */
    const unsigned moment = (unsigned)(i % 40) * 5 + 1;
    while (atomic_load(&here->calls) < moment) {
    }
    EXPECT_EQ(MXD_OK, module->abandon(here->instance));
    atomic_store(&here->abandoned, 1);
    for (int k = 0; k < kThreads; ++k) {
      void* begun;
      pthread_join(threads[k], &begun);
      EXPECT_AT_MOST(1, (uintptr_t)begun);
      late += (unsigned)(uintptr_t)begun;
    }
    EXPECT_EQ(0, atomic_load(&here->late_completions));
    EXPECT_EQ(MXD_OK, module->destroy(here->instance));
  }
  printf("%u callbacks begun after abandon() had returned, in %d instances of %d threads\n", late,
         kInstances, kThreads);
  return kit_result();
}
