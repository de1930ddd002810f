/* A host that meets every record of the contract, inline and late, whichever of two minors it and
 * the module were built from: what only the other side knows is absent, what both know is there,
 * and every answer is as in 1.0. Built with the header, and with the grown one, beside which is
 * growth.h. */
#include <stddef.h>

#include "tests/hosts/host_kit.h"
#if __has_include("growth.h")
#include "growth.h"
#endif

/* The new field in a record of the module's: there if the module has grown too, and in a build
   where that struct has. */
#ifdef NEXT_MINOR
#define SEE(type, record)                                                                    \
  do {                                                                                       \
    const type* const it = (record);                                                         \
    (void)it;                                                                                \
    const int in_next = IN_NEXT_##type(it);                                                  \
    if (in_next != GROWTH_NONE) EXPECT_EQ(module->abi_minor >= NEXT_MINOR ? 1 : 0, in_next); \
    ++seen;                                                                                  \
  } while (0)
/* What a grown host says in the fields that the module of before does not know. */
#define FILL(type, record) \
  memset((char*)(record) + KNOWN_##type, 0xA5, sizeof *(record)-KNOWN_##type)
#else
#define SEE(type, record)                          \
  do {                                             \
    const type* const it = (record);               \
    EXPECT_AT_MOST(it->size, (int64_t)sizeof *it); \
    ++seen;                                        \
  } while (0)
#define FILL(type, record) ((void)(record))
#endif

static unsigned seen;
static bool late;

static void see(const kit_question* question) {
  switch (question->kind) {
    case KIT_AUTHENTICATE:
      SEE(mxd_credentials, question->argument);
      break;
    case KIT_LIST_DEVICES:
      SEE(mxd_device_query, question->argument);
      break;
    case KIT_GET_DEVICE:
      SEE(mxd_device_key, question->argument);
      break;
    case KIT_RENAME_DEVICE:
    case KIT_PUT_DEVICE:
      SEE(mxd_device_update, question->argument);
      break;
    case KIT_DELETE_DEVICES:
      SEE(mxd_deletion, question->argument);
      break;
    case KIT_UIA_FLOWS:
      SEE(mxd_uia_operation, question->argument);
      break;
    case KIT_UIA_CREATE_SESSION:
      SEE(mxd_uia_session, question->argument);
      break;
    case KIT_UIA_LOAD_SESSION:
      SEE(mxd_uia_session_key, question->argument);
      break;
    case KIT_UIA_REPLACE_SESSION:
      SEE(mxd_uia_replacement, question->argument);
      break;
    case KIT_UIA_CHECK:
      SEE(mxd_uia_attempt, question->argument);
      break;
    case KIT_MARK_VALIDATED:
      SEE(mxd_validation, question->argument);
      break;
    case KIT_TAKE_LIMIT:
      SEE(mxd_limit_request, question->argument);
      break;
    case KIT_KINDS:
      break;
  }
}

static int32_t answer(kit_host* host, const kit_question* question) {
  see(question);
  mxd_uia_stage stage = {.size = sizeof stage, .type = KIT_TEXT("m.login.password")};
  FILL(mxd_uia_stage, &stage);
  mxd_uia_completed completed = {.size = sizeof completed, .type = KIT_TEXT("m.login.dummy")};
  FILL(mxd_uia_completed, &completed);
  if (question->kind == KIT_UIA_FLOWS) {
    EXPECT_EQ(MXD_OK, module->emit_stage(question->op, &stage));
    stage.type = KIT_TEXT("m.login.dummy");
    EXPECT_EQ(MXD_OK, module->emit_stage(question->op, &stage));
    return kit_complete(question->op, MXD_OK);
  }
  if (question->kind == KIT_UIA_LOAD_SESSION) {
    const int32_t status = kit_emit(host, question);
    EXPECT_EQ(MXD_OK, module->emit_completed(question->op, &completed));
    return kit_complete(question->op, status);
  }
  return kit_answer(host, question);
}

static int32_t answers(kit_host* host, const kit_question* question) {
  return late ? kit_park(host, question) : answer(host, question);
}

static void send(kit_host* host, const char* method, const char* target, const char* body,
                 uint32_t http_status, const char* part) {
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(host, &request, method, target, body));
  while (late && kit_answers(host, &request) == 0) {
    const kit_question question = kit_take(host);
    answer(host, &question);
  }
  EXPECT_ANSWER(host, &request, http_status, part);
}

static void (*respond_of_the_kit)(mxd_cookie, mxd_cookie, const mxd_response*);

static void respond(mxd_cookie host, mxd_cookie request, const mxd_response* response) {
  SEE(mxd_response, response);
  respond_of_the_kit(host, request, response);
}

static mxd_device devices[2];

static void open(kit_host* host, const char* config, uint32_t principal_flags) {
  kit_init(host);
  kit_offer_all(host);
  FILL(mxd_host, &host->table);
  FILL(mxd_principal, &host->principal);
  respond_of_the_kit = host->table.respond;
  host->table.respond = respond;
  host->ask = answers;
  host->config = config;
  host->principal.flags = principal_flags;
  host->principal.service_id = KIT_TEXT("bridge");
  for (size_t i = 0; i < 2; ++i) {
    devices[i] = host->devices[i];
    FILL(mxd_device, &devices[i]);
  }
  host->devices = devices;
  host->device_count = 2;
  kit_open(host);
}

#define WITH_SESSION(members) "{\"auth\":{\"session\":\"" KIT_SESSION "\"" members "}}"
#define PASSWORD                                                \
  ",\"type\":\"m.login.password\",\"password\":\"" KIT_PASSWORD \
  "\""                                                          \
  ",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"}"

static void check_every_question(void) {
  kit_host host;
  open(&host, "{\"uia\":{\"grace_period_ms\":1000}}", 0);
  send(&host, "GET", KIT_LIST, NULL, 200,
       "{\"devices\":[{\"device_id\":\"LAPTOP\",\"display_name\":\"secret laptop\"},"
       "{\"device_id\":\"PHONE\",\"last_seen_ip\":\"192.0.2.1\",\"last_seen_ts\":1500000000000}]}");
  send(&host, "GET", KIT_PHONE, NULL, 200, "\"last_seen_ts\":1500000000000");
  send(&host, "GET", KIT_LIST "/NONE", NULL, 404, "M_NOT_FOUND");
  send(&host, "PUT", KIT_PHONE, "{\"display_name\":\"x\"}", 200, "{}");
  send(&host, "DELETE", KIT_PHONE, "{}", 401, "\"session\":\"" KIT_SESSION "\"");
  send(&host, "DELETE", KIT_PHONE, WITH_SESSION(PASSWORD), 200, "{}");
  for (kit_kind kind = KIT_AUTHENTICATE; kind < KIT_KINDS; ++kind) {
    if (kind == KIT_PUT_DEVICE) continue;
    if (host.asked[kind] == 0) fprintf(stderr, "question %d was never asked\n", kind);
    EXPECT_EQ(1, host.asked[kind] > 0);
  }
  kit_close(&host);
  open(&host, "", MXD_PRINCIPAL_APPSERVICE);
  send(&host, "PUT", KIT_LIST "/NEW", "{\"display_name\":\"x\"}", 201, "{}");
  EXPECT_EQ(1, host.asked[KIT_PUT_DEVICE]);
  send(&host, "DELETE", KIT_PHONE, NULL, 200, "{}");
  kit_close(&host);
}

/* An error of the host's own, and one that is too short. */
static int32_t gives_its_own_error(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_GET_DEVICE) return kit_answer(host, question);
  mxd_error error = {.size = sizeof error,
                     .http_status = 418,
                     .retry_after_ms = -1,
                     .errcode = KIT_TEXT("M_X"),
                     .text = KIT_TEXT("no")};
  FILL(mxd_error, &error);
  EXPECT_EQ(MXD_OK, module->emit_error(question->op, &error));
  return kit_complete(question->op, MXD_HOST_ERROR);
}

static void check_error(void) {
  kit_host host;
  open(&host, "", 0);
  host.ask = gives_its_own_error;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, 418, "M_X");
  kit_close(&host);
}

/* The host's record, which the module fills: no further than both know. */
static void check_route(void) {
  kit_host host;
  open(&host, "", 0);
  struct {
    mxd_route route;
    char behind[64];
  } lent;
  memset(&lent, 0xA5, sizeof lent);
  lent.route.size = sizeof lent.route;
  EXPECT_EQ(MXD_OK, module->route(host.instance, 0, &lent.route));
  SEE(mxd_route, &lent.route);
  EXPECT_EQ(1, MXD_HAS(&lent.route, path));
  for (size_t i = 0; i < sizeof lent.behind; ++i)
    EXPECT_EQ((char)0xA5, lent.behind[i]);

  /* A record of 1.0 is all that it was given. */
  memset(&lent, 0xA5, sizeof lent);
  lent.route.size = MXD_ROUTE_SIZE_1_0;
  EXPECT_EQ(MXD_OK, module->route(host.instance, 0, &lent.route));
  EXPECT_EQ(MXD_ROUTE_SIZE_1_0, lent.route.size);
  for (size_t i = MXD_ROUTE_SIZE_1_0; i < sizeof lent.route; ++i)
    EXPECT_EQ((char)0xA5, ((const char*)&lent.route)[i]);
  lent.route.size = MXD_ROUTE_SIZE_1_0 - 1;
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->route(host.instance, 0, &lent.route));
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  SEE(mxd_module, module);
  check_every_question();
  late = true;
  check_every_question();
  late = false;
  check_error();
  check_route();
  printf("host of 1.%d, module of 1.%u: %u records\n", MXD_ABI_MINOR, module->abi_minor, seen);
  EXPECT_EQ(1, seen > 60);
  return kit_result();
}
