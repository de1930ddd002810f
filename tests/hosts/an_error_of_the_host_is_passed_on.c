/* emit_error(), then HOST_ERROR: the client gets the host's own answer, from whatever callback. */
#include "host_kit.h"

static kit_kind asked;
static mxd_error own;
static bool completes_itself;

static int32_t gives_its_own(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  EXPECT_EQ(MXD_OK, module->emit_error(question->op, &own));
  return completes_itself ? kit_complete(question->op, MXD_HOST_ERROR) : MXD_HOST_ERROR;
}

static void send(kit_host* host, kit_request* request, kit_kind kind) {
  kit_init(host);
  host->ask = gives_its_own;
  asked = kind;
  kit_open(host);
  const char* method = "GET";
  const char* body = NULL;
  if (kind == KIT_RENAME_DEVICE) {
    method = "PUT";
    body = KIT_NAME;
  } else if (kind >= KIT_DELETE_DEVICES) {
    method = "DELETE";
    body = kind == KIT_UIA_LOAD_SESSION ? "{\"auth\":{\"session\":\"x\"}}" : KIT_AUTH;
  }
  const char* target = kind == KIT_LIST_DEVICES ? KIT_LIST : KIT_PHONE;
  EXPECT_EQ(MXD_OK, kit_send(host, request, method, target, body));
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  const kit_kind kinds[] = {KIT_AUTHENTICATE,       KIT_LIST_DEVICES,     KIT_GET_DEVICE,
                            KIT_RENAME_DEVICE,      KIT_DELETE_DEVICES,   KIT_UIA_FLOWS,
                            KIT_UIA_CREATE_SESSION, KIT_UIA_LOAD_SESSION, KIT_UIA_REPLACE_SESSION,
                            KIT_UIA_CHECK};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
    own = (mxd_error){.size = sizeof own,
                      .http_status = 403,
                      .retry_after_ms = -1,
                      .errcode = KIT_TEXT("ORG_EXAMPLE_EXPIRED"),
                      .text = KIT_TEXT("This account \"expired\"; renew it."),
                      .extra_json = KIT_TEXT("{\"renew\":{\"uri\":\"https://e.org\"},\"n\":[1]}")};
    completes_itself = i % 2 == 0;
    kit_host host;
    kit_request request = {0};
    send(&host, &request, kinds[i]);
    EXPECT_ANSWER(&host, &request, 403, "\"errcode\":\"ORG_EXAMPLE_EXPIRED\"");
    EXPECT_CONTAINS("\"error\":\"This account \\\"expired\\\"; renew it.\"", request.body);
    EXPECT_CONTAINS("\"renew\":{\"uri\":\"https://e.org\"}", request.body);
    EXPECT_CONTAINS("\"n\":[1]", request.body);
    EXPECT_EQ(1, strstr(request.headers, "Retry-After:") == NULL);
    EXPECT_HEADER(&request, "Access-Control-Allow-Origin: *");
    EXPECT_HEADER(&request, "Content-Type: application/json");
    kit_close(&host);
  }

  /* Whole seconds, rounded up; and both ends of the range of statuses. */
  own = (mxd_error){.size = sizeof own,
                    .http_status = 599,
                    .retry_after_ms = 1001,
                    .errcode = KIT_TEXT("M_X"),
                    .text = KIT_TEXT("later")};
  kit_host host;
  kit_request later = {0};
  send(&host, &later, KIT_LIST_DEVICES);
  EXPECT_ANSWER(&host, &later, 599, "{\"errcode\":\"M_X\",\"error\":\"later\"");
  EXPECT_HEADER(&later, "Retry-After: 2");
  kit_close(&host);

  own.http_status = 400;
  kit_request lowest = {0};
  send(&host, &lowest, KIT_LIST_DEVICES);
  EXPECT_ANSWER(&host, &lowest, 400, "M_X");
  kit_close(&host);
  return kit_result();
}
