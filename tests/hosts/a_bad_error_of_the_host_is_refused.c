/* emit_error() with what is no answer to a Matrix client: INVALID_ARGUMENT, and a 500. */
#include "host_kit.h"

static kit_kind asked;
static mxd_error bad;

static int32_t gives_it(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_error(question->op, &bad));
  return kit_complete(question->op, MXD_HOST_ERROR);
}

static void check(const char* what, kit_kind kind, mxd_error error) {
  fprintf(stderr, "%s\n", what);
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = gives_it;
  kit_open(&host);
  asked = kind;
  bad = error;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK,
            kit_send(&host, &request, kind == KIT_GET_DEVICE ? "GET" : "DELETE", KIT_PHONE, "{}"));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  const mxd_error good = {.size = sizeof good,
                          .http_status = 403,
                          .retry_after_ms = -1,
                          .errcode = KIT_TEXT("M_X"),
                          .text = KIT_TEXT("no")};
  const uint32_t statuses[] = {0, 1, 200, 302, 399, 600, 65536 + 403, UINT32_MAX};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; ++i) {
    mxd_error error = good;
    error.http_status = statuses[i];
    check("a status outside 400 to 599", KIT_GET_DEVICE, error);
  }
  mxd_error error = good;
  error.errcode = (mxd_view){NULL, 0};
  check("no errcode", KIT_GET_DEVICE, error);
  error = good;
  error.errcode = KIT_TEXT("M_\xff");
  check("an errcode that is not UTF-8", KIT_GET_DEVICE, error);
  error = good;
  error.text = KIT_TEXT("caf\xe9");
  check("a text that is not UTF-8", KIT_GET_DEVICE, error);
  error = good;
  error.text = (mxd_view){NULL, 7};
  check("a text that is NULL with a length", KIT_GET_DEVICE, error);
  const mxd_view extras[] = {KIT_TEXT("[]"), KIT_TEXT("{"), KIT_TEXT("1"), KIT_TEXT("{} {}"),
                             KIT_TEXT("{\"a\":\"\xff\"}")};
  for (size_t i = 0; i < sizeof extras / sizeof extras[0]; ++i) {
    error = good;
    error.extra_json = extras[i];
    check("extra members that are no JSON object", KIT_GET_DEVICE, error);
  }
  error = good;
  error.size = 8;
  check("a size below that of 1.0", KIT_GET_DEVICE, error);
  /* A client takes a 401 there for a challenge, or for the end of its session. */
  error = good;
  error.http_status = 401;
  check("a 401 from a callback of the authentication", KIT_UIA_FLOWS, error);
  return kit_result();
}
