/* Each emit belongs to certain callbacks. Elsewhere it is refused, and the client gets a 500 even
 * where the host then completes with OK; the same holds for one result too many. */
#include "host_kit.h"

typedef enum emit {
  kPrincipal,
  kDevice,
  kFlowStage,
  kParams,
  kSessionId,
  kSession,
  kCompletedStage,
  kIdentity,
  kReason,
  kRetryAfter,
  kEmits
} emit;

static const char* const names[] = {"principal",  "device",     "flow_stage",      "params",
                                    "session_id", "session",    "completed_stage", "identity",
                                    "reason",     "retry_after"};

static int32_t emit_one(const kit_host* host, emit which, mxd_op op) {
  const mxd_session session = {.size = sizeof session,
                               .created_ms = 1500000000000,
                               .lifetime_ms = 3600000,
                               .user_id = KIT_TEXT("@alice:example.org"),
                               .device_id = KIT_TEXT("PHONE"),
                               .method = KIT_TEXT("DELETE"),
                               .endpoint = KIT_TEXT("/devices/{deviceId}"),
                               .path_device_id = KIT_TEXT("PHONE"),
                               .body_digest = KIT_TEXT("01234567890123456789012345678901")};
  switch (which) {
    case kPrincipal:
      return module->emit_principal(op, &host->principal);
    case kDevice:
      return module->emit_device(op, &host->devices[1]);
    case kFlowStage:
      return module->emit_flow_stage(op, 0, KIT_TEXT("m.login.password"));
    case kParams:
      return module->emit_params(op, KIT_TEXT("m.login.password"), KIT_TEXT("{}"));
    case kSessionId:
      return module->emit_session_id(op, KIT_TEXT("kit-secret-session-0123456789"));
    case kSession:
      return module->emit_session(op, &session);
    case kCompletedStage:
      return module->emit_completed_stage(op, KIT_TEXT("m.login.dummy"), (mxd_view){NULL, 0});
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
static void check(kit_kind kind, emit which, const char* method, const char* target) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = emits_something_strange;
  asked = kind;
  strange = which;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method, target, "{}"));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

static int32_t emits_twice(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  EXPECT_EQ(MXD_OK, emit_one(host, strange, question->op));
  EXPECT_EQ(MXD_INVALID_ARGUMENT, emit_one(host, strange, question->op));
  return kit_complete(question->op, MXD_OK);
}

static void check_twice(kit_kind kind, emit which, const char* method) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = emits_twice;
  asked = kind;
  strange = which;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method, KIT_PHONE, "{}"));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  for (emit which = kPrincipal; which < kEmits; ++which) {
    /* emit_reason and emit_retry_after are words about a failure: what they are to a callback that
       lists no such failure is of no account here. */
    if (which == kReason || which == kRetryAfter) continue;
    if (which != kPrincipal) check(KIT_AUTHENTICATE, which, "GET", KIT_LIST);
    if (which != kDevice) check(KIT_LIST_DEVICES, which, "GET", KIT_LIST);
    if (which != kDevice) check(KIT_GET_DEVICE, which, "GET", KIT_PHONE);
    check(KIT_RENAME_DEVICE, which, "PUT", KIT_PHONE);
    if (which != kFlowStage && which != kParams) check(KIT_UIA_FLOWS, which, "DELETE", KIT_PHONE);
    if (which != kSessionId) check(KIT_UIA_CREATE_SESSION, which, "DELETE", KIT_PHONE);
  }
  check_twice(KIT_AUTHENTICATE, kPrincipal, "GET");
  check_twice(KIT_GET_DEVICE, kDevice, "GET");
  check_twice(KIT_UIA_CREATE_SESSION, kSessionId, "DELETE");
  return kit_result();
}
