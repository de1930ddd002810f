/* What a host keeps of a session and gives back: the state byte for byte, the revision, and an ID
 * of its own or the proposed one. Whatever else of it the module needs is in the state. */
#include <stdlib.h>

#include "host_kit.h"

static const char* const PASSWORD =
    "{\"auth\":{\"type\":\"m.login.password\",\"session\":\"" KIT_SESSION
    "\",\"password\":\"" KIT_PASSWORD
    "\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"" KIT_USER "\"}}}";

/* One question after the other, inline or from another callback's return. */
static void send(kit_host* host, kit_request* request, const char* body, uint32_t http_status,
                 const char* part) {
  EXPECT_EQ(MXD_OK, kit_send(host, request, "DELETE", KIT_PHONE, body));
  while (host->ask == kit_park && kit_answers(host, request) == 0) {
    const kit_question question = kit_take(host);
    kit_answer(host, &question);
  }
  EXPECT_ANSWER(host, request, http_status, part);
}

/* Challenge, password, repeat: questions as the contract counts them. */
static void check_dialogue(bool late) {
  kit_host host;
  kit_init(&host);
  if (late) host.ask = kit_park;
  kit_open(&host);
  kit_request challenge = {0}, password = {0}, repeat = {0};
  send(&host, &challenge, "{}", 401, "\"session\":\"" KIT_SESSION "\"");
  EXPECT_EQ(0, host.asked[KIT_UIA_LOAD_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_UIA_CREATE_SESSION]);
  EXPECT_EQ(0, host.asked[KIT_UIA_REPLACE_SESSION]);

  send(&host, &password, PASSWORD, 200, "{}");
  EXPECT_EQ(1, host.asked[KIT_UIA_LOAD_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_UIA_CHECK]);
  EXPECT_EQ(1, host.asked[KIT_UIA_REPLACE_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_DELETE_DEVICES]);
  EXPECT_EQ(2, host.sessions[1].revision);

  send(&host, &repeat, PASSWORD, 200, "{}"); /* U13 */
  EXPECT_EQ(1, host.asked[KIT_UIA_CHECK]);
  EXPECT_EQ(1, host.asked[KIT_UIA_REPLACE_SESSION]);
  EXPECT_EQ(2, host.asked[KIT_DELETE_DEVICES]);
  kit_close(&host);
}

/* U3: all in one request. */
static void check_at_once(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request request = {0};
  send(&host, &request, KIT_AUTH, 200, "{}");
  EXPECT_EQ(0, host.asked[KIT_UIA_LOAD_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_UIA_CREATE_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_UIA_REPLACE_SESSION]);
  kit_close(&host);
}

static char proposed[64];

static int32_t takes_the_proposed_id(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_UIA_CREATE_SESSION) return kit_answer(host, question);
  const mxd_uia_session* session = question->argument;
  EXPECT_EQ(43, session->proposed_id.size);
  memcpy(proposed, session->proposed_id.data, 43);
  for (int i = 0; i < 43; ++i) {
    const char byte = proposed[i];
    EXPECT_EQ(1, (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                     (byte >= '0' && byte <= '9') || byte == '-' || byte == '_');
  }
  EXPECT_TEXT(KIT_USER, session->user_id);
  EXPECT_TEXT("PHONE", session->device_id);
  EXPECT_TEXT("DELETE", session->method);
  EXPECT_TEXT("/devices/{deviceId}", session->endpoint);
  EXPECT_TEXT(KIT_PHONE, session->target);
  EXPECT_EQ(1, session->description.size != 0);
  EXPECT_EQ(1, session->max_live >= 1);
  EXPECT_EQ(1, session->expires_ms > 0);
  return kit_complete(question->op, MXD_OK); /* with nothing emitted */
}

static void check_proposed_id(void) {
  kit_host host;
  kit_init(&host);
  host.ask = takes_the_proposed_id;
  kit_open(&host);
  kit_request request = {0};
  send(&host, &request, "{}", 401, "\"session\":\"");
  EXPECT_CONTAINS(proposed, request.body);
  kit_close(&host);
}

static mxd_view own_id;
static bool refused;

static int32_t emits_its_own_id(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_UIA_CREATE_SESSION) return kit_answer(host, question);
  EXPECT_EQ(refused ? MXD_INVALID_ARGUMENT : MXD_OK, module->emit_session_id(question->op, own_id));
  return kit_complete(question->op, MXD_OK);
}

static void check_own_id(mxd_view id, bool is_refused) {
  kit_host host;
  kit_init(&host);
  host.ask = emits_its_own_id;
  host.misbehaves = is_refused;
  own_id = id;
  refused = is_refused;
  kit_open(&host);
  kit_request request = {0};
  send(&host, &request, "{}", is_refused ? 500 : 401, is_refused ? "M_UNKNOWN" : "\"session\":\"");
  kit_close(&host);
}

/* Another process replaces the session first: the module loads it again, and decides again; what
   it has checked is not asked about again. */
static unsigned conflicts;

static int32_t loses_the_race(kit_host* host, const kit_question* question) {
  if (question->kind == KIT_UIA_REPLACE_SESSION && conflicts != 0) {
    --conflicts;
    ++host->sessions[1].revision;
    return MXD_CONFLICT;
  }
  return kit_answer(host, question);
}

static void check_conflict(void) {
  kit_host host;
  kit_init(&host);
  host.ask = loses_the_race;
  kit_open(&host);
  kit_request challenge = {0}, password = {0};
  send(&host, &challenge, "{}", 401, KIT_SESSION);
  conflicts = 3;
  send(&host, &password, PASSWORD, 200, "{}");
  EXPECT_EQ(1, host.asked[KIT_UIA_CHECK]);
  EXPECT_EQ(4, host.asked[KIT_UIA_REPLACE_SESSION]);
  EXPECT_EQ(4, host.asked[KIT_UIA_LOAD_SESSION]);
  EXPECT_EQ(1, host.asked[KIT_DELETE_DEVICES]);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_dialogue(false);
  check_dialogue(true);
  check_at_once();
  check_proposed_id();
  char longest[256];
  memset(longest, 'x', sizeof longest);
  check_own_id((mxd_view){longest, 1}, false);
  check_own_id((mxd_view){longest, 255}, false);
  check_own_id((mxd_view){longest, 256}, true);
  check_own_id((mxd_view){NULL, 0}, true);
  check_own_id(KIT_TEXT("caf\xe9"), true);
  check_own_id(KIT_TEXT("a\0b"), true);
  check_conflict();
  return kit_result();
}
