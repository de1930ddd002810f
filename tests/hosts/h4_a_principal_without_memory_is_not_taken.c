/* H4: an emit_principal() that has no memory for it takes no cookie, and so none is released.
 * Bodies of many lengths fill what the request has in advance, until nothing of it is left. */
#include "host_heap.h"
#include "host_kit.h"

enum { kLongest = 16 * 1024, kStep = 1 };

static unsigned refused;

static int32_t has_no_memory(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_AUTHENTICATE) return kit_answer(host, question);
  mxd_principal principal = host->principal;
  principal.cookie = host->principals + 1;
  heap_refuse_from(1);
  const int32_t status = module->emit_principal(question->op, &principal);
  heap_refuse_from(0);
  if (status == MXD_OK) {
    ++host->principals;
  } else {
    EXPECT_EQ(MXD_NO_MEMORY, status);
    ++refused;
  }
  return kit_complete(question->op, MXD_OK);
}

/* After it a failure itself takes nothing from the heap: what the C++ library keeps for exceptions
   of a thread is there. */
static void fail_once(kit_host* host) {
  static char body[64 * 1024];
  memset(body, ' ', sizeof body - 1);
  kit_request request = {0};
  heap_refuse_from(sizeof body / 2);
  EXPECT_EQ(MXD_OK, kit_send(host, &request, "PUT", KIT_PHONE, body));
  heap_refuse_from(0);
  EXPECT_ANSWER(host, &request, 500, "memory");
}

int main(int argc, char** argv) {
  if (!heap_is_counted()) return 77;
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  host.ask = has_no_memory;
  fail_once(&host);
  static char filler[kLongest];
  memset(filler, 'x', sizeof filler);
  for (size_t size = 0; size < kLongest; size += kStep) {
    kit_request request = {0};
    const mxd_header headers[] = {{KIT_TEXT("Authorization"), KIT_TEXT("Bearer " KIT_TOKEN)}};
    const mxd_request wire = {.size = sizeof wire,
                              .cookie = (mxd_cookie)&request,
                              .headers = headers,
                              .header_count = 1,
                              .method = KIT_TEXT("GET"),
                              .target = KIT_TEXT(KIT_PHONE),
                              .body = {filler, size}};
    const unsigned refused_before = refused;
    EXPECT_EQ(MXD_OK, module->handle(host.instance, &wire, NULL));
    ++host.accepted;
    EXPECT_EQ(refused == refused_before ? 200 : 500, request.status);
    EXPECT_EQ(host.principals, host.released);
  }
  printf("%u of %d principals refused for want of memory\n", refused, kLongest / kStep);
  EXPECT_EQ(1, refused > 0 && host.principals > 0);
  kit_close(&host);
  return kit_result();
}
