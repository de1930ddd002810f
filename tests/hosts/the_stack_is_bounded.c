/* How much stack a request takes, whatever is in it: measured on a painted stack, of which nothing
 * but the module and this host's few frames use any. */
#include <stdlib.h>
#include <sys/mman.h>

#include "host_kit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { kSanitized = 1 };
#else
enum { kSanitized = 0 };
#endif
#ifdef __OPTIMIZE__
enum { kLimit = 32 * 1024 };
#else
enum { kLimit = 128 * 1024 };
#endif
enum { kStack = 1024 * 1024, kPaint = 0xA5 };
enum { kOwn = 256 }; /* bytes: more than the frames of sends() and memset() */

typedef struct run {
  kit_host* host;
  const char* method;
  const char* target;
  const char* body;
} run;

typedef struct measured_run {
  const run* it;
  unsigned char* stack;
  size_t used; /* of it, below the frame of sends() */
} measured_run;

/* Paints and measures itself: to start and to end a thread glibc may use more than the module. */
static void* sends(void* argument) {
  measured_run* measured = argument;
  const run* it = measured->it;
  unsigned char* frame = __builtin_frame_address(0);
  memset(measured->stack, kPaint, (size_t)(frame - measured->stack) - kOwn);
  static kit_request request; /* not on the stack that is measured */
  for (int i = 0; it->host != NULL && i < 3; ++i) {
    request.answers = 0;
    EXPECT_EQ(MXD_OK, kit_send(it->host, &request, it->method, it->target, it->body));
    EXPECT_EQ(1, request.answers);
  }
  const unsigned char* touched = measured->stack;
  while (*touched == kPaint)
    ++touched;
  measured->used = (size_t)(frame - touched);
  return NULL;
}

static size_t stack_of(run it) {
  unsigned char* stack =
      mmap(NULL, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, stack, kStack);
  pthread_t thread;
  measured_run measured = {&it, stack, 0};
  pthread_create(&thread, &attributes, sends, &measured);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  munmap(stack, kStack);
  return measured.used;
}

static char* nested(int depth) {
  char* body = malloc((size_t)depth * 12 + 64);
  char* at = body + sprintf(body, "{\"devices\":[],\"x\":");
  for (int i = 0; i < depth; ++i)
    *at++ = '[';
  for (int i = 0; i < depth; ++i)
    *at++ = ']';
  strcpy(at, "}");
  return body;
}

int main(int argc, char** argv) {
  if (kSanitized) {
    puts("SKIP: a sanitizer puts its own redzones on the stack");
    return 77;
  }
  kit_load(argc, argv);
  kit_host host;
  kit_init(&host);
  host.principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host.principal.service_id = KIT_TEXT("bridge");
  kit_open(&host);
  char* deep = nested(20);
  char* too_deep = nested(100000);
  const run runs[] = {
      {&host, "GET", KIT_LIST, NULL},
      {&host, "GET", KIT_PHONE, NULL},
      {&host, "GET", KIT_LIST "/NONE", NULL},
      {&host, "OPTIONS", KIT_LIST, NULL},
      {&host, "PUT", KIT_PHONE, "{\"display_name\":\"x\"}"},
      {&host, "PUT", KIT_LIST "/NEW", "{\"display_name\":\"x\"}"},
      {&host, "PUT", KIT_PHONE, "{"},
      {&host, "DELETE", KIT_PHONE, NULL},
      {&host, "POST", KIT_PATH "/delete_devices", "{\"devices\":[\"A\",\"B\",\"C\"]}"},
      {&host, "POST", KIT_PATH "/delete_devices", deep},
      {&host, "POST", KIT_PATH "/delete_devices", too_deep},
  };
  const size_t empty = stack_of((run){NULL, NULL, NULL, NULL});
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; ++i) {
    const size_t used = stack_of(runs[i]) - empty;
    printf("%-8s%-40s%7zu bytes of stack\n", runs[i].method, runs[i].target, used);
    EXPECT_AT_MOST(kLimit, used);
    EXPECT_EQ(1, used > 256); /* the control: it is measured at all */
  }
  free(deep);
  free(too_deep);
  kit_close(&host);
  return kit_result();
}
