/* What a client sees when a callback fails, whether the callback returns the status (the operation
 * then is over) or completes with it, inline or later. */
#include "host_kit.h"

typedef enum how { kReturned, kCompletedInline, kCompletedLater } how;

typedef struct failure {
  kit_kind kind;
  int32_t status;
  uint32_t http_status;
  const char* part;
  bool misbehaves; /* the status is none that this callback may use */
} failure;

#define ANYWHERE(kind)                                                                            \
  {kind, MXD_UNAVAILABLE, 503, "M_UNKNOWN", false}, {kind, MXD_TIMEOUT, 504, "M_UNKNOWN", false}, \
      {kind, MXD_NO_MEMORY, 503, "M_UNKNOWN", false},                                             \
      {kind, MXD_INTERNAL, 500, "M_UNKNOWN", false}, {kind, 12345, 500, "M_UNKNOWN", true},       \
      {kind, 0x10000, 500, "M_UNKNOWN", true}, /* no 16 bits of which are MXD_OK */               \
      {kind, INT32_MIN, 500, "M_UNKNOWN", true}, {kind, -77, 500, "M_UNKNOWN", true},             \
      {kind, MXD_STALE, 500, "M_UNKNOWN", true}, {kind, MXD_BUSY, 500, "M_UNKNOWN", true},        \
      {kind, MXD_NOT_MINE, 500, "M_UNKNOWN", true}, {                                             \
    kind, MXD_HOST_ERROR, 500, "M_UNKNOWN", true                                                  \
  } /* without emit_error */

static const failure failures[] = {
    ANYWHERE(KIT_AUTHENTICATE),
    ANYWHERE(KIT_LIST_DEVICES),
    ANYWHERE(KIT_GET_DEVICE),
    ANYWHERE(KIT_RENAME_DEVICE),
    ANYWHERE(KIT_PUT_DEVICE),
    ANYWHERE(KIT_DELETE_DEVICES),
    ANYWHERE(KIT_UIA_FLOWS),
    ANYWHERE(KIT_UIA_CREATE_SESSION),
    ANYWHERE(KIT_UIA_LOAD_SESSION),
    ANYWHERE(KIT_UIA_REPLACE_SESSION),
    ANYWHERE(KIT_UIA_CHECK),
    /* Listed with one callback, and a mistake from another. */
    {KIT_AUTHENTICATE, MXD_UNKNOWN_TOKEN, 401, "\"soft_logout\":false", false},
    {KIT_AUTHENTICATE, MXD_TOKEN_EXPIRED, 401, "\"soft_logout\":true", false},
    {KIT_AUTHENTICATE, MXD_USER_LOCKED, 401, "M_USER_LOCKED", false},
    {KIT_AUTHENTICATE, MXD_FORBIDDEN, 403, "M_FORBIDDEN", false},
    {KIT_AUTHENTICATE, MXD_UNKNOWN_DEVICE, 400, "M_UNKNOWN_DEVICE", false},
    {KIT_AUTHENTICATE, MXD_NOT_FOUND, 500, "M_UNKNOWN", true},
    {KIT_LIST_DEVICES, MXD_NOT_FOUND, 500, "M_UNKNOWN", true},
    {KIT_LIST_DEVICES, MXD_UNKNOWN_TOKEN, 500, "M_UNKNOWN", true},
    {KIT_GET_DEVICE, MXD_NOT_FOUND, 404, "M_NOT_FOUND", false},
    {KIT_GET_DEVICE, MXD_CREATED, 500, "M_UNKNOWN", true},
    {KIT_RENAME_DEVICE, MXD_NOT_FOUND, 404, "M_NOT_FOUND", false},
    {KIT_RENAME_DEVICE, MXD_LIMIT_EXCEEDED, 500, "M_UNKNOWN", true},
    {KIT_PUT_DEVICE, MXD_CREATED, 201, "{}", false},
    {KIT_PUT_DEVICE, MXD_LIMIT_EXCEEDED, 403, "M_USER_LIMIT_EXCEEDED", false},
    {KIT_PUT_DEVICE, MXD_NOT_FOUND, 500, "M_UNKNOWN", true},
    {KIT_DELETE_DEVICES, MXD_NOT_FOUND, 500, "M_UNKNOWN", true},
    {KIT_UIA_LOAD_SESSION, MXD_NOT_FOUND, 401, "M_FORBIDDEN", false},
    {KIT_UIA_FLOWS, MXD_REFUSED, 500, "M_UNKNOWN", true},
    {KIT_UIA_LOAD_SESSION, MXD_CONFLICT, 500, "M_UNKNOWN", true},
    {KIT_UIA_REPLACE_SESSION, MXD_NOT_FOUND, 401, "M_FORBIDDEN", false},
    {KIT_UIA_REPLACE_SESSION, MXD_REFUSED, 500, "M_UNKNOWN", true},
    /* What stands there is the session as it was: a conflict that no load explains. */
    {KIT_UIA_REPLACE_SESSION, MXD_CONFLICT, 503, "M_UNKNOWN", true},
    {KIT_UIA_CHECK, MXD_REFUSED, 401, "M_FORBIDDEN", false},
    {KIT_UIA_CHECK, MXD_BAD_DATA, 400, "M_BAD_JSON", false},
    {KIT_UIA_CHECK, MXD_NOT_FOUND, 500, "M_UNKNOWN", true},
};

static const failure* current;
static how current_how;
static mxd_op failed_op;

static int32_t fails(kit_host* host, const kit_question* question) {
  if (question->kind != current->kind) return kit_answer(host, question);
  failed_op = question->op;
  switch (current_how) {
    case kReturned:
      return current->status;
    case kCompletedInline:
      return kit_complete(question->op, current->status);
    default:
      return kit_park(host, question);
  }
}

/* A request that leads to a question of this kind. */
static void send(kit_host* host, kit_request* request, kit_kind kind) {
  const char* body = "{\"auth\":{\"session\":\"no-such-session\"}}";
  switch (kind) {
    case KIT_GET_DEVICE:
      EXPECT_EQ(MXD_OK, kit_get(host, request, KIT_PHONE));
      break;
    case KIT_RENAME_DEVICE:
      EXPECT_EQ(MXD_OK, kit_send(host, request, "PUT", KIT_PHONE, KIT_NAME));
      break;
    case KIT_PUT_DEVICE:
      EXPECT_EQ(MXD_OK, kit_send(host, request, "PUT", KIT_LIST "/NEW", KIT_NAME));
      break;
    case KIT_DELETE_DEVICES:
    case KIT_UIA_FLOWS:
    case KIT_UIA_CREATE_SESSION:
      EXPECT_EQ(MXD_OK, kit_send(host, request, "DELETE", KIT_PHONE, "{}"));
      break;
    case KIT_UIA_LOAD_SESSION:
      EXPECT_EQ(MXD_OK, kit_send(host, request, "DELETE", KIT_PHONE, body));
      break;
    case KIT_UIA_REPLACE_SESSION:
    case KIT_UIA_CHECK:
      EXPECT_EQ(MXD_OK, kit_send(host, request, "DELETE", KIT_PHONE, KIT_AUTH));
      break;
    default:
      EXPECT_EQ(MXD_OK, kit_get(host, request, KIT_LIST));
      break;
  }
}

static void check(const failure* it, how in_which_way) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = it->misbehaves;
  host.ask = fails;
  if (it->kind == KIT_PUT_DEVICE || it->kind == KIT_DELETE_DEVICES) {
    host.principal.flags = MXD_PRINCIPAL_APPSERVICE;
    host.principal.service_id = KIT_TEXT("bridge");
  }
  kit_open(&host);
  current = it;
  current_how = in_which_way;
  kit_request request = {0};
  send(&host, &request, it->kind);
  while (in_which_way == kCompletedLater && kit_answers(&host, &request) == 0) {
    kit_complete(kit_take(&host).op, it->status);
  }
  EXPECT_ANSWER(&host, &request, it->http_status, it->part);
  EXPECT_EQ(1, host.asked[it->kind] >= 1);
  if (it->http_status == 503) EXPECT_CONTAINS("Retry-After: ", request.headers);
  kit_close(&host);
}

/* Nothing was emitted that OK needs. */
static int32_t says_ok(kit_host* host, const kit_question* question) {
  if (question->kind != current->kind) return kit_answer(host, question);
  return kit_complete(question->op, MXD_OK);
}

static void check_missing_result(kit_kind kind) {
  const failure it = {.kind = kind};
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = says_ok;
  kit_open(&host);
  current = &it;
  kit_request request = {0};
  send(&host, &request, kind);
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  kit_close(&host);
}

/* A callback that returned a failure is not waited for, and can't change its mind. */
static void check_the_operation_is_over(void) {
  const failure it = {.kind = KIT_GET_DEVICE, .status = MXD_UNAVAILABLE};
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = fails;
  kit_open(&host);
  current = &it;
  current_how = kReturned;
  kit_request request = {0};
  send(&host, &request, KIT_GET_DEVICE);
  EXPECT_ANSWER(&host, &request, 503, "M_UNKNOWN");
  EXPECT_EQ(MXD_STALE, module->complete(failed_op, MXD_OK));
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; ++i) {
    for (how in_which_way = kReturned; in_which_way <= kCompletedLater; ++in_which_way) {
      check(&failures[i], in_which_way);
    }
  }
  check_missing_result(KIT_AUTHENTICATE);
  check_missing_result(KIT_GET_DEVICE);
  check_missing_result(KIT_UIA_LOAD_SESSION);
  check_missing_result(KIT_UIA_CHECK);
  check_the_operation_is_over();
  return kit_result();
}
