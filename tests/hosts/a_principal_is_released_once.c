/* A principal's cookie is passed to the later callbacks of its request, and released exactly once,
 * before respond(), however the request ends. (That the counts agree is checked by kit_close().) */
#include "host_kit.h"

static void released_before(kit_host* host, kit_request* request) {
  EXPECT_EQ(host->principals, host->released);
}

static int32_t expects_the_cookie(kit_host* host, const kit_question* question) {
  EXPECT_EQ(question->kind == KIT_AUTHENTICATE ? 0 : host->principals, question->principal);
  return kit_answer(host, question);
}

static void open(kit_host* host, int32_t (*ask)(kit_host*, const kit_question*)) {
  kit_init(host);
  host->ask = ask;
  host->on_respond = released_before;
  kit_open(host);
}

static void check_ends(void) {
  static const struct {
    const char* method;
    const char* target;
    const char* body;
    uint32_t http_status;
    unsigned principals;
  } ends[] = {
      {"GET", KIT_LIST, NULL, 200, 1},
      {"GET", KIT_LIST "/NONE", NULL, 404, 1},
      {"PUT", KIT_PHONE, "{\"display_name\":\"x\"}", 200, 1},
      {"PUT", KIT_PHONE, "{", 400, 1},
      {"DELETE", KIT_PHONE, "{}", 401, 1},
      {"POST", KIT_PATH "/delete_devices", "{}", 400, 1},
      {"OPTIONS", KIT_PHONE, NULL, 204, 0},
      {"PATCH", KIT_PHONE, NULL, 405, 0},
      {"GET", KIT_LIST "/%zz", NULL, 400, 0},
  };
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
    kit_host host;
    open(&host, expects_the_cookie);
    kit_request request = {0};
    EXPECT_EQ(MXD_OK, kit_send(&host, &request, ends[i].method, ends[i].target, ends[i].body));
    EXPECT_ANSWER(&host, &request, ends[i].http_status, "");
    EXPECT_EQ(ends[i].principals, host.principals);
    EXPECT_EQ(ends[i].principals, host.asked[KIT_AUTHENTICATE]);
    kit_close(&host);
  }
}

/* The principal was taken, and then authenticate failed after all. */
static int32_t emits_and_fails(kit_host* host, const kit_question* question) {
  kit_emit(host, question);
  return kit_complete(question->op, MXD_UNAVAILABLE);
}

static int32_t emits_and_returns_an_error(kit_host* host, const kit_question* question) {
  kit_emit(host, question);
  return MXD_TIMEOUT;
}

static int32_t fails_later(kit_host* host, const kit_question* question) {
  return question->kind == KIT_AUTHENTICATE ? kit_answer(host, question) : MXD_UNAVAILABLE;
}

static void check_failure(int32_t (*ask)(kit_host*, const kit_question*), uint32_t http_status) {
  kit_host host;
  open(&host, ask);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, http_status, "M_UNKNOWN");
  EXPECT_EQ(1, host.principals);
  kit_close(&host);
}

/* Cookie 0 means that there is none. */
static int32_t has_no_cookie(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_AUTHENTICATE) {
    EXPECT_EQ(0, question->principal);
    return kit_answer(host, question);
  }
  EXPECT_EQ(MXD_OK, module->emit_principal(question->op, &host->principal));
  return kit_complete(question->op, MXD_OK);
}

static void check_no_cookie(void) {
  kit_host host;
  open(&host, has_no_cookie);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  EXPECT_EQ(0, host.released);
  kit_close(&host);
}

static void check_cancelled(void) {
  kit_host host;
  open(&host, kit_park);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  kit_question question = kit_take(&host);
  EXPECT_EQ(MXD_OK, module->cancel(request.token));
  host.ask = kit_answer;
  kit_answer(&host, &question);
  kit_wait(&host, &request);
  EXPECT_EQ(1, host.released);
  kit_close(&host);
}

/* Only an emit that returned OK takes the cookie. */
static int32_t emits_a_bad_one_first(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_AUTHENTICATE) return kit_answer(host, question);
  mxd_principal bad = host->principal;
  bad.cookie = 4711;
  bad.user_id = (mxd_view){NULL, 0};
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_principal(question->op, &bad));
  return kit_complete(question->op, MXD_OK);
}

static int32_t emits_two(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_AUTHENTICATE) return kit_answer(host, question);
  const int32_t status = kit_emit(host, question);
  mxd_principal second = host->principal;
  second.cookie = 4711;
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_principal(question->op, &second));
  return kit_complete(question->op, status);
}

static void check_refused(int32_t (*ask)(kit_host*, const kit_question*), unsigned taken) {
  kit_host host;
  open(&host, ask);
  host.misbehaves = true;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  EXPECT_EQ(taken, host.released);
  kit_close(&host);
}

/* Whatever authenticate is completed with, a cookie that was taken is released. */
static int32_t completed_with;

static int32_t emits_and_completes_with_it(kit_host* host, const kit_question* question) {
  kit_emit(host, question);
  return kit_complete(question->op, completed_with);
}

static void check_statuses(void) {
  static const struct {
    int32_t status;
    uint32_t http_status;
    bool misbehaves;
  } ends[] = {
      {MXD_UNKNOWN_TOKEN, 401, false},  {MXD_TOKEN_EXPIRED, 401, false},
      {MXD_USER_LOCKED, 401, false},    {MXD_FORBIDDEN, 403, false},
      {MXD_UNKNOWN_DEVICE, 400, false}, {MXD_INTERNAL, 500, false},
      {MXD_TIMEOUT, 504, false},        {MXD_NO_MEMORY, 503, false},
      {MXD_CONFLICT, 500, true},        {12345, 500, true},
  };
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
    kit_host host;
    open(&host, emits_and_completes_with_it);
    host.misbehaves = ends[i].misbehaves;
    completed_with = ends[i].status;
    kit_request request = {0};
    EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
    EXPECT_ANSWER(&host, &request, ends[i].http_status, "errcode");
    EXPECT_EQ(1, host.released);
    kit_close(&host);
  }
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_ends();
  check_failure(emits_and_fails, 503);
  check_failure(emits_and_returns_an_error, 504);
  check_failure(fails_later, 503);
  check_no_cookie();
  check_cancelled();
  check_refused(emits_a_bad_one_first, 0);
  check_refused(emits_two, 1);
  check_statuses();
  return kit_result();
}
