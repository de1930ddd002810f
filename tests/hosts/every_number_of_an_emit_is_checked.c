/* Every integer that a host emits, completes with or returns, at its extremes: nothing that follows
 * may crash or overflow. What is refused is a 500 and a line in the log; what is taken is answered
 * as if it were an ordinary number. */
#include "host_kit.h"

typedef struct number {
  int64_t value;
  bool refused;
} number;

static kit_kind asked;
static int32_t (*emit)(mxd_op op, int64_t value); /* the result with this number in it */
static number current;
static int32_t completed_with;

static int32_t device_last_seen(mxd_op op, int64_t value);

static int32_t emits_it(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  EXPECT_EQ(current.refused ? MXD_INVALID_ARGUMENT : MXD_OK, emit(question->op, current.value));
  return kit_complete(question->op, completed_with);
}

static const char* method_of(kit_kind kind) {
  return kind >= KIT_DELETE_DEVICES ? "DELETE" : "GET";
}
static const char* body_of(kit_kind kind) {
  if (kind < KIT_DELETE_DEVICES) return NULL;
  return kind == KIT_UIA_LOAD_SESSION ? "{\"auth\":{\"session\":\"x\"}}" : KIT_AUTH;
}

static void check(const char* what, kit_kind kind, int32_t (*its_emit)(mxd_op, int64_t),
                  int32_t status, uint32_t http_status, number it) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = it.refused;
  host.ask = emits_it;
  asked = kind;
  emit = its_emit;
  current = it;
  completed_with = status;
  kit_open(&host);
  kit_request request = {0};
  fprintf(stderr, "%s = %lld\n", what, (long long)it.value);
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, method_of(kind),
                             kind == KIT_LIST_DEVICES ? KIT_LIST : KIT_PHONE, body_of(kind)));
  EXPECT_ANSWER(&host, &request, it.refused ? 500 : http_status, "");
  EXPECT_EQ(1, request.answers);
  if (its_emit == device_last_seen) {
    char shown[48];
    snprintf(shown, sizeof shown, "\"last_seen_ts\":%lld}", (long long)it.value);
    EXPECT_CONTAINS(shown, request.body);
  }
  kit_close(&host);
}

/* ---- Principals ---- */

static int32_t principal_validated(mxd_op op, int64_t value) {
  const mxd_principal principal = {.size = sizeof principal,
                                   .flags = MXD_PRINCIPAL_HAS_VALIDATED_MS,
                                   .validated_ms = value,
                                   .user_id = KIT_TEXT(KIT_USER),
                                   .device_id = KIT_TEXT("PHONE")};
  return module->emit_principal(op, &principal);
}
static int32_t principal_flags(mxd_op op, int64_t value) {
  const mxd_principal principal = {.size = sizeof principal,
                                   .flags = (uint32_t)value,
                                   .user_id = KIT_TEXT(KIT_USER),
                                   .device_id = KIT_TEXT("PHONE"),
                                   .service_id = KIT_TEXT("bridge")};
  return module->emit_principal(op, &principal);
}
static int32_t principal_reserved(mxd_op op, int64_t value) {
  const mxd_principal principal = {.size = sizeof principal,
                                   .user_id = KIT_TEXT(KIT_USER),
                                   .device_id = KIT_TEXT("PHONE"),
                                   .reserved = (uintptr_t)value};
  return module->emit_principal(op, &principal);
}

/* ---- Devices ---- */

static int32_t device_last_seen(mxd_op op, int64_t value) {
  const mxd_device device = {.size = sizeof device,
                             .flags = MXD_DEVICE_HAS_LAST_SEEN_TS,
                             .last_seen_ts_ms = value,
                             .device_id = KIT_TEXT("PHONE")};
  return module->emit_device(op, &device);
}
static int32_t device_flags(mxd_op op, int64_t value) {
  const mxd_device device = {.size = sizeof device,
                             .flags = (uint32_t)value,
                             .last_seen_ts_ms = 1,
                             .device_id = KIT_TEXT("PHONE")};
  return module->emit_device(op, &device);
}

/* ---- Stages ---- */

static int32_t stage_flow(mxd_op op, int64_t value) {
  const mxd_uia_stage stage = {
      .size = sizeof stage, .flow = (uint32_t)value, .type = KIT_TEXT("m.login.password")};
  return module->emit_stage(op, &stage);
}
static int32_t second_stage_flow(mxd_op op, int64_t value) {
  EXPECT_EQ(MXD_OK, stage_flow(op, 0));
  const mxd_uia_stage stage = {
      .size = sizeof stage, .flow = (uint32_t)value, .type = KIT_TEXT("m.login.recaptcha")};
  return module->emit_stage(op, &stage);
}
static int32_t stage_flags(mxd_op op, int64_t value) {
  const mxd_uia_stage stage = {
      .size = sizeof stage, .flags = (uint32_t)value, .type = KIT_TEXT("m.login.password")};
  return module->emit_stage(op, &stage);
}
static int32_t stage_reserved(mxd_op op, int64_t value) {
  const mxd_uia_stage stage = {
      .size = sizeof stage, .reserved = (uint32_t)value, .type = KIT_TEXT("m.login.password")};
  return module->emit_stage(op, &stage);
}

/* ---- Sessions ---- */

/* The state of a live session, which the module made in another request. */
static char state[4096];
static size_t state_size;

static int32_t keeps_the_state(kit_host* host, const kit_question* question) {
  if (question->kind == KIT_UIA_CREATE_SESSION) {
    const mxd_uia_session* session = question->argument;
    EXPECT_AT_MOST(sizeof state, session->state.size);
    state_size = session->state.size;
    memcpy(state, session->state.data, state_size);
  }
  return kit_answer(host, question);
}

static void make_a_state(void) {
  kit_host host;
  kit_init(&host);
  host.ask = keeps_the_state;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, "DELETE", KIT_PHONE, "{}"));
  EXPECT_ANSWER(&host, &request, 401, "\"session\":\"" KIT_SESSION "\"");
  kit_close(&host);
}

static int32_t session_revision(mxd_op op, int64_t value) {
  const mxd_uia_kept session = {
      .size = sizeof session, .revision = value, .state = {state, state_size}};
  return module->emit_session(op, &session);
}
static int32_t session_flags(mxd_op op, int64_t value) {
  const mxd_uia_kept session = {.size = sizeof session,
                                .flags = (uint32_t)value,
                                .revision = 1,
                                .state = {state, state_size}};
  return module->emit_session(op, &session);
}
static int32_t completed_flags(mxd_op op, int64_t value) {
  EXPECT_EQ(MXD_OK, session_revision(op, 1));
  const mxd_uia_completed completed = {
      .size = sizeof completed, .flags = (uint32_t)value, .type = KIT_TEXT("m.login.sso")};
  return module->emit_completed(op, &completed);
}

/* ---- Failures ---- */

static int32_t retry_after(mxd_op op, int64_t value) {
  return module->emit_retry_after(op, value);
}
static int32_t error_retry_after(mxd_op op, int64_t value) {
  const mxd_error error = {.size = sizeof error,
                           .http_status = 403,
                           .retry_after_ms = value,
                           .errcode = KIT_TEXT("M_X"),
                           .text = KIT_TEXT("no")};
  return module->emit_error(op, &error);
}

/* ---- Numbers that a host completes with, or gives when asked for the time ---- */

static int32_t completes_with_it(kit_host* host, const kit_question* question) {
  return question->kind == KIT_GET_DEVICE ? kit_complete(question->op, (int32_t)current.value)
                                          : kit_answer(host, question);
}

static void check_status(int64_t status) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = completes_with_it;
  current.value = status;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

static int64_t says_that_it_is(mxd_cookie host) {
  return current.value;
}

/* Whatever the clock says, a right password is one, and no limit overflows. */
static void check_now(int64_t now) {
  fprintf(stderr, "now_ms = %lld\n", (long long)now);
  kit_host host;
  kit_init(&host);
  host.table.now_ms = says_that_it_is;
  current.value = now;
  kit_open(&host);
  for (int i = 0; i < 2; ++i) {
    kit_request request = {0};
    EXPECT_EQ(MXD_OK, kit_send(&host, &request, "DELETE", KIT_PHONE, KIT_AUTH));
    EXPECT_ANSWER(&host, &request, 200, "{}");
    EXPECT_EQ(1, request.answers);
  }
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  make_a_state();

  const int64_t latest = (int64_t)1 << 53; /* that a time may be */
  const number times[] = {
      {0, false},         {1, false},           {latest - 1, false},   {latest, false},
      {latest + 1, true}, {-1, true},           {INT64_MAX - 1, true}, {INT64_MAX, true},
      {INT64_MIN, true},  {INT64_MIN + 1, true}};
  for (size_t i = 0; i < sizeof times / sizeof times[0]; ++i) {
    check("principal.validated_ms", KIT_AUTHENTICATE, principal_validated, MXD_OK, 200, times[i]);
    /* Shown as it is: one odd old row must not cost a client its whole list. */
    const number any = {times[i].value, false};
    check("device.last_seen_ts_ms", KIT_LIST_DEVICES, device_last_seen, MXD_OK, 200, any);
    check("device.last_seen_ts_ms", KIT_GET_DEVICE, device_last_seen, MXD_OK, 200, any);
  }

  /* Of these nothing is refused: unknown bits are ignored, `reserved` is not looked at. */
  const uint32_t words[] = {0, 1u << 5, 1u << 8, 1u << 16, 1u << 30, 1u << 31, UINT32_MAX << 8};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; ++i) {
    const number any = {words[i], false};
    check("principal.flags", KIT_AUTHENTICATE, principal_flags, MXD_OK, 200, any);
    check("principal.reserved", KIT_AUTHENTICATE, principal_reserved, MXD_OK, 200, any);
    check("device.flags", KIT_GET_DEVICE, device_flags, MXD_OK, 200, any);
    check("stage.flags", KIT_UIA_FLOWS, stage_flags, MXD_OK, 200, any);
    check("stage.reserved", KIT_UIA_FLOWS, stage_reserved, MXD_OK, 200, any);
    check("session.flags", KIT_UIA_LOAD_SESSION, session_flags, MXD_OK, 401, any);
    check("completed.flags", KIT_UIA_LOAD_SESSION, completed_flags, MXD_OK, 401, any);
  }

  const uint32_t flows[] = {1, 2, 31, 32, 33, INT32_MAX, 1u << 31, UINT32_MAX - 1, UINT32_MAX};
  check("stage.flow", KIT_UIA_FLOWS, stage_flow, MXD_OK, 200, (number){0, false});
  check("second stage.flow", KIT_UIA_FLOWS, second_stage_flow, MXD_OK, 401, (number){0, false});
  check("second stage.flow", KIT_UIA_FLOWS, second_stage_flow, MXD_OK, 200, (number){1, false});
  for (size_t i = 0; i < sizeof flows / sizeof flows[0]; ++i) {
    check("stage.flow", KIT_UIA_FLOWS, stage_flow, MXD_OK, 200, (number){flows[i], true});
    if (flows[i] == 1) continue;
    check("second stage.flow", KIT_UIA_FLOWS, second_stage_flow, MXD_OK, 200,
          (number){flows[i], true});
  }

  const number revisions[] = {
      {1, false}, {2, false}, {INT64_MAX - 1, false}, {INT64_MAX, false},
      {0, true},  {-1, true}, {INT64_MIN, true},      {INT64_MIN + 1, true}};
  for (size_t i = 0; i < sizeof revisions / sizeof revisions[0]; ++i) {
    check("session.revision", KIT_UIA_LOAD_SESSION, session_revision, MXD_OK, 401, revisions[i]);
  }

  const int64_t waits[] = {0, 1, 999, 1000, latest, INT64_MAX - 1, INT64_MAX, -1, INT64_MIN};
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; ++i) {
    const number wait = {waits[i], waits[i] < 0};
    const number wait_or_none = {waits[i], false};
    check("retry_after", KIT_GET_DEVICE, retry_after, MXD_UNAVAILABLE, 503, wait);
    check("error.retry_after_ms", KIT_GET_DEVICE, error_retry_after, MXD_HOST_ERROR, 403,
          wait_or_none);
  }

  const int64_t statuses[] = {INT32_MAX, INT32_MAX - 1, INT32_MIN, INT32_MIN + 1, -10, 14, 15};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; ++i)
    check_status(statuses[i]);

  const int64_t nows[] = {0,         1,  latest - 1, latest, latest + 1, INT64_MAX - 1,
                          INT64_MAX, -1, INT64_MIN};
  for (size_t i = 0; i < sizeof nows / sizeof nows[0]; ++i)
    check_now(nows[i]);
  return kit_result();
}
