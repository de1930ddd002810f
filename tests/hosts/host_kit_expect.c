/* What a test expects, and says where it does not come. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host_kit_parts.h"

static atomic_uint failures;

void kit_failed(const char* file, int line, const char* format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s:%d: %s\n", file, line, text);
  atomic_fetch_add(&failures, 1);
}

void kit_expect_number(const char* file, int line, const char* what, int64_t expected,
                       int64_t got) {
  if (expected == got) return;
  kit_failed(file, line, "%s: expected %lld, got %lld", what, (long long)expected, (long long)got);
}

void kit_expect_at_most(const char* file, int line, const char* what, int64_t limit, int64_t got) {
  if (got <= limit) return;
  kit_failed(file, line, "%s: expected at most %lld, got %lld", what, (long long)limit,
             (long long)got);
}

void kit_expect_text(const char* file, int line, const char* what, const char* expected,
                     mxd_view got) {
  if (got.size == strlen(expected) && memcmp(got.data, expected, got.size) == 0) return;
  kit_failed(file, line, "%s: expected \"%s\", got \"%.*s\"", what, expected, (int)got.size,
             got.size == 0 ? "" : got.data);
}

void kit_expect_contains(const char* file, int line, const char* part, const char* text) {
  if (strstr(text, part) != NULL) return;
  kit_failed(file, line, "expected a text that holds \"%s\", got \"%s\"", part, text);
}

void kit_expect_answer(const char* file, int line, kit_host* host, kit_request* request,
                       uint32_t status, const char* part) {
  kit_wait(host, request);
  if (request->status != status) {
    kit_failed(file, line, "expected status %u, got %u with body %s", status, request->status,
               request->body);
  }
  kit_expect_contains(file, line, part, request->body);
}

int kit_result(void) {
  const unsigned count = atomic_load(&failures);
  if (count != 0) fprintf(stderr, "%u expectations did not hold\n", count);
  return count == 0 ? 0 : 1;
}

void kit_die(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}
