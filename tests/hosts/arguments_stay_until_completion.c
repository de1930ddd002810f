/* An asynchronous host keeps the views that it is asked with, and reads them when it gets round to
 * the question, whatever has become of the request's own memory, or of others meanwhile. */
#include <stdlib.h>

#include "host_kit.h"

/* handle() with everything in memory that is overwritten and freed as soon as it returns. */
static void send_from_short_lived_memory(kit_host* host, kit_request* request, const char* method,
                                         const char* target, const char* body) {
  char* memory = malloc(4096);
  const size_t method_size = strlen(method), target_size = strlen(target), body_size = strlen(body);
  char* at = memory;
  memcpy(at, method, method_size);
  memcpy(at + 64, target, target_size);
  memcpy(at + 1024, body, body_size);
  memcpy(at + 2048, "Bearer " KIT_TOKEN, sizeof("Bearer " KIT_TOKEN) - 1);
  memcpy(at + 3072, "192.0.2.7", 9);
  mxd_header* header = malloc(sizeof *header);
  *header = (mxd_header){KIT_TEXT("authorization"), {at + 2048, sizeof("Bearer " KIT_TOKEN) - 1}};
  const mxd_request wire = {.size = sizeof wire,
                            .cookie = (mxd_cookie)request,
                            .headers = header,
                            .header_count = 1,
                            .method = {at, method_size},
                            .target = {at + 64, target_size},
                            .body = {at + 1024, body_size},
                            .remote_addr = {at + 3072, 9}};
  EXPECT_EQ(MXD_OK, module->handle(host->instance, &wire, &request->token));
  ++host->accepted;
  memset(memory, '!', 4096);
  free(memory);
  memset(header, 0xA5, sizeof *header);
  free(header);
}

/* Other requests come and go, and would write over anything that was not kept. */
static void make_noise(kit_host* host) {
  int32_t (*const ask)(kit_host*, const kit_question*) = host->ask;
  host->ask = kit_answer;
  for (int i = 0; i < 50; ++i) {
    kit_request request = {0};
    EXPECT_EQ(MXD_OK, kit_send(host, &request, "PUT", KIT_LIST "/ZZZZZZZZ",
                               "{\"display_name\":\"ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ\"}"));
    kit_wait(host, &request);
  }
  host->ask = ask;
}

static void check_rename(void) {
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  kit_open(&host);
  kit_request request = {0};
  send_from_short_lived_memory(&host, &request, "PUT", KIT_LIST "/TAB%4cET?user_id=%40bob%3Ae.org",
                               "{\"display_name\":\"caf\\u00e9\"}");
  kit_question question = kit_take(&host);
  make_noise(&host);
  const mxd_credentials* credentials = question.argument;
  EXPECT_TEXT(KIT_TOKEN, credentials->access_token);
  EXPECT_TEXT("192.0.2.7", credentials->remote_addr);
  EXPECT_TEXT("@bob:e.org", credentials->user_id);
  EXPECT_EQ(MXD_CREDENTIALS_HAS_USER_ID, credentials->flags);
  EXPECT_AT_MOST(credentials->size, MXD_CREDENTIALS_SIZE_1_0);

  /* The principal is copied: its memory is the host's again at once. */
  char user_id[] = "@alice:example.org";
  char device_id[] = "PHONE";
  mxd_principal principal = {.size = sizeof principal,
                             .user_id = {user_id, strlen(user_id)},
                             .device_id = {device_id, strlen(device_id)}};
  EXPECT_EQ(MXD_OK, module->emit_principal(question.op, &principal));
  memset(user_id, '!', sizeof user_id);
  memset(device_id, '!', sizeof device_id);
  memset(&principal, 0xA5, sizeof principal);
  kit_complete(question.op, MXD_OK);

  question = kit_take(&host);
  EXPECT_EQ(KIT_RENAME_DEVICE, question.kind);
  make_noise(&host);
  const mxd_device_update* update = question.argument;
  EXPECT_TEXT("@alice:example.org", update->user_id);
  EXPECT_TEXT("TABLET", update->device_id);
  EXPECT_TEXT("caf\xc3\xa9", update->display_name);
  EXPECT_EQ(MXD_UPDATE_SET_DISPLAY_NAME, update->flags);
  kit_answer(&host, &question);
  EXPECT_ANSWER(&host, &request, 200, "{}");
  kit_close(&host);
}

static void check_delete(void) {
  kit_host host;
  kit_init(&host);
  host.ask = kit_park;
  host.principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host.principal.service_id = KIT_TEXT("bridge");
  kit_open(&host);
  kit_request request = {0};
  send_from_short_lived_memory(&host, &request, "POST", KIT_PATH "/delete_devices",
                               "{\"devices\":[\"PHONE\",\"TABL\\u0045T\"]}");
  kit_question question = kit_take(&host);
  kit_answer(&host, &question);
  question = kit_take(&host);
  EXPECT_EQ(KIT_DELETE_DEVICES, question.kind);
  make_noise(&host);
  const mxd_deletion* deletion = question.argument;
  EXPECT_EQ(2, deletion->device_id_count);
  EXPECT_TEXT("PHONE", deletion->device_ids[0]);
  EXPECT_TEXT("TABLET", deletion->device_ids[1]);
  EXPECT_TEXT(KIT_USER, deletion->user_id);
  kit_answer(&host, &question);
  EXPECT_ANSWER(&host, &request, 200, "{}");
  kit_close(&host);
}

/* Rows of a list are serialised there and then: the host may use one struct for all of them. */
static int32_t reuses_the_row(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_LIST_DEVICES) return kit_answer(host, question);
  char id[16];
  mxd_device row = {.size = sizeof row, .device_id = {id, 2}};
  for (int i = 0; i < 3; ++i) {
    snprintf(id, sizeof id, "D%d", i);
    EXPECT_EQ(MXD_OK, module->emit_device(question->op, &row));
    memset(id, '!', sizeof id);
  }
  return kit_complete(question->op, MXD_OK);
}

static void check_rows(void) {
  kit_host host;
  kit_init(&host);
  host.ask = reuses_the_row;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_LIST));
  EXPECT_ANSWER(
      &host, &request, 200,
      "{\"devices\":[{\"device_id\":\"D0\"},{\"device_id\":\"D1\"},{\"device_id\":\"D2\"}]}");
  kit_close(&host);
}

/* The table and the configuration are copied by create(). */
static void check_create(void) {
  kit_host host;
  kit_init(&host);
  mxd_host* table = malloc(sizeof *table);
  *table = host.table;
  char* config = strdup("{\"path_versions\":[\"unstable\"]}");
  EXPECT_EQ(MXD_OK,
            module->create(table, (mxd_view){config, strlen(config)}, &host.instance, NULL, 0));
  memset(table, 0xA5, sizeof *table);
  free(table);
  memset(config, '!', strlen(config));
  free(config);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, "/_matrix/client/unstable/devices"));
  EXPECT_ANSWER(&host, &request, 200, "PHONE");
  EXPECT_EQ(MXD_NOT_MINE, kit_get(&host, &request, KIT_LIST));
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_rename();
  check_delete();
  check_rows();
  check_create();
  return kit_result();
}
