/* What no HTTP server can have read is refused by handle(), and no answer comes. What came off a
 * wire, however strange, gets one. */
#include <stdlib.h>

#include "host_kit.h"

static void check_refused(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request answer = {0};
  const mxd_request good = {.size = sizeof good,
                            .cookie = (mxd_cookie)&answer,
                            .method = KIT_TEXT("GET"),
                            .target = KIT_TEXT(KIT_LIST)};
  mxd_request request = good;
  request.method = (mxd_view){NULL, 3};
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->handle(host.instance, &request, NULL));
  request = good;
  request.target = (mxd_view){NULL, 3};
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->handle(host.instance, &request, NULL));
  request = good;
  request.body = (mxd_view){NULL, 3};
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->handle(host.instance, &request, NULL));
  request = good;
  request.header_count = 1;
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->handle(host.instance, &request, NULL));
  EXPECT_EQ(0, answer.answers);
  kit_close(&host);
}

/* Every byte that a target, a method and a body may hold, from a fixed sequence of numbers. */
static void check_noise(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  uint32_t state = 12345;
  unsigned answered = 0;
  for (int round = 0; round < 20000; ++round) {
    char target[64] = KIT_LIST "/";
    char body[64];
    size_t target_size = strlen(target);
    for (size_t i = 0; i < sizeof body; ++i) {
      state = state * 1664525u + 1013904223u;
      const char byte =
          "%{}[]\"\\:,/?&=+ \0\xff\xc3\xa9\xed\xa0"
          "abcuCD019."[(state >> 16) % 31];
      if (target_size < sizeof target && (state >> 28) != 0) target[target_size++] = byte;
      body[i] = byte;
    }
    static const char* const methods[] = {"GET", "PUT", "DELETE", "POST", "HEAD", "\xff"};
    const char* method = methods[round % 6];
    kit_request request = {0};
    const mxd_header header = {KIT_TEXT("Authorization"), KIT_TEXT("Bearer " KIT_TOKEN)};
    const mxd_request wire = {.size = sizeof wire,
                              .cookie = (mxd_cookie)&request,
                              .headers = &header,
                              .header_count = 1,
                              .method = {method, strlen(method)},
                              .target = {target, target_size},
                              .body = {body, (state >> 8) % sizeof body}};
    const int32_t status = module->handle(host.instance, &wire, NULL);
    EXPECT_EQ(1, status == MXD_OK || status == MXD_NOT_MINE);
    EXPECT_EQ(status == MXD_OK ? 1 : 0, request.answers);
    if (status != MXD_OK) continue;
    ++host.accepted;
    ++answered;
    EXPECT_EQ(1, request.status >= 200 && request.status < 500);
  }
  EXPECT_EQ(1, answered > 1000);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_refused();
  check_noise();
  return kit_result();
}
