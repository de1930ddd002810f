/* Each emit belongs to certain callbacks. Elsewhere it is refused, and the client gets a 500 even
 * where the host then completes with OK; the same holds for one result too many. */
#include "host_kit.h"

typedef enum emit {
  kPrincipal,
  kDevice,
  kStage,
  kSessionId,
  kSession,
  kCompleted,
  kIdentity,
  kReason,
  kRetryAfter,
  kEmits
} emit;

static const char* const names[] = {"principal", "device",   "stage",  "session_id", "session",
                                    "completed", "identity", "reason", "retry_after"};

static int32_t emit_one(const kit_host* host, emit which, mxd_op op) {
  const mxd_uia_stage stage = {.size = sizeof stage, .type = KIT_TEXT("m.login.password")};
  const mxd_uia_kept session = {.size = sizeof session, .revision = 1, .state = KIT_TEXT("{}")};
  const mxd_uia_completed completed = {.size = sizeof completed, .type = KIT_TEXT("m.login.sso")};
  switch (which) {
    case kPrincipal:
      return module->emit_principal(op, &host->principal);
    case kDevice:
      return module->emit_device(op, &host->devices[1]);
    case kStage:
      return module->emit_stage(op, &stage);
    case kSessionId:
      return module->emit_session_id(op, KIT_TEXT(KIT_SESSION));
    case kSession:
      return module->emit_session(op, &session);
    case kCompleted:
      return module->emit_completed(op, &completed);
    case kIdentity:
      return module->emit_identity(op, KIT_TEXT("@alice:example.org"));
    case kReason:
      return module->emit_reason(op, KIT_TEXT("because"));
    default:
      return module->emit_retry_after(op, 1000);
  }
}

static kit_kind asked;
static emit strange;

static int32_t emits_something_strange(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  const int32_t status = emit_one(host, strange, question->op);
  if (status != MXD_INVALID_ARGUMENT)
    fprintf(stderr, "emit_%s for question %d:\n", names[strange], asked);
  EXPECT_EQ(MXD_INVALID_ARGUMENT, status);
  return kit_answer(host, question);
}

/* The right results may follow: the client gets a 500 all the same. */
static void check(kit_kind kind, emit which, const char* method, const char* target,
                  const char* body) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = emits_something_strange;
  asked = kind;
  strange = which;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method, target, body));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

static int32_t emits_twice(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  EXPECT_EQ(MXD_OK, emit_one(host, strange, question->op));
  EXPECT_EQ(MXD_INVALID_ARGUMENT, emit_one(host, strange, question->op));
  return kit_complete(question->op, MXD_OK);
}

static void check_twice(kit_kind kind, emit which, const char* method, const char* body) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = emits_twice;
  asked = kind;
  strange = which;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method, KIT_PHONE, body));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  for (emit which = kPrincipal; which < kEmits; ++which) {
    /* emit_reason and emit_retry_after are words about a failure: what they are to a callback that
       lists no such failure is of no account here. */
    if (which == kReason || which == kRetryAfter) continue;
    if (which != kPrincipal) check(KIT_AUTHENTICATE, which, "GET", KIT_LIST, NULL);
    if (which != kDevice) check(KIT_LIST_DEVICES, which, "GET", KIT_LIST, NULL);
    if (which != kDevice) check(KIT_GET_DEVICE, which, "GET", KIT_PHONE, NULL);
    check(KIT_RENAME_DEVICE, which, "PUT", KIT_PHONE, KIT_NAME);
    if (which != kStage) check(KIT_UIA_FLOWS, which, "DELETE", KIT_PHONE, "{}");
    if (which != kSessionId) check(KIT_UIA_CREATE_SESSION, which, "DELETE", KIT_PHONE, "{}");
    if (which != kSession && which != kCompleted) {
      check(KIT_UIA_LOAD_SESSION, which, "DELETE", KIT_PHONE,
            "{\"auth\":{\"session\":\"" KIT_SESSION "\"}}");
    }
    check(KIT_UIA_REPLACE_SESSION, which, "DELETE", KIT_PHONE, KIT_AUTH);
    if (which != kIdentity) check(KIT_UIA_CHECK, which, "DELETE", KIT_PHONE, KIT_AUTH);
    check(KIT_DELETE_DEVICES, which, "DELETE", KIT_PHONE, KIT_AUTH);
  }
  check_twice(KIT_AUTHENTICATE, kPrincipal, "GET", NULL);
  check_twice(KIT_GET_DEVICE, kDevice, "GET", NULL);
  check_twice(KIT_UIA_CREATE_SESSION, kSessionId, "DELETE", "{}");
  check_twice(KIT_UIA_LOAD_SESSION, kSession, "DELETE",
              "{\"auth\":{\"session\":\"" KIT_SESSION "\"}}");
  check_twice(KIT_UIA_CHECK, kIdentity, "DELETE", KIT_AUTH);
  return kit_result();
}
