/* However many IDs a client sends, and however often each, the host is asked once, with distinct
 * IDs in bytewise order: it can do all of it in one transaction. */
#include <stdlib.h>

#include "host_kit.h"

enum { kIds = 5000 }; /* each twice */

static unsigned char seen[kIds];

static int comes_before(mxd_view first, mxd_view second) {
  const size_t shorter = first.size < second.size ? first.size : second.size;
  const int order = memcmp(first.data, second.data, shorter);
  return order < 0 || (order == 0 && first.size < second.size);
}

static int32_t notes_the_ids(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_DELETE_DEVICES) return kit_answer(host, question);
  const mxd_deletion* deletion = question->argument;
  EXPECT_TEXT(KIT_USER, deletion->user_id);
  EXPECT_EQ(kIds, deletion->device_id_count);
  for (size_t i = 0; i < deletion->device_id_count; ++i) {
    const mxd_view id = deletion->device_ids[i];
    if (i > 0) EXPECT_EQ(1, comes_before(deletion->device_ids[i - 1], id));
    char text[16] = "";
    if (id.size < sizeof text) memcpy(text, id.data, id.size);
    const unsigned long number = strtoul(text + 1, NULL, 10);
    EXPECT_EQ(1, text[0] == 'D' && number < kIds);
    if (number < kIds) ++seen[number];
  }
  return kit_answer(host, question);
}

static void open_service(kit_host* host) {
  kit_init(host);
  host->principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host->principal.service_id = KIT_TEXT("bridge");
  host->ask = notes_the_ids;
  kit_open(host);
}

static void check_many(void) {
  char* body = malloc(64 + kIds * 2 * 16);
  size_t used = (size_t)sprintf(body, "{\"devices\":[");
  for (int i = 0; i < 2 * kIds; ++i) {
    used += (size_t)sprintf(body + used, "%s\"D%d\"", i == 0 ? "" : ",", i % kIds);
  }
  strcpy(body + used, "]}");
  kit_host host;
  open_service(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, "POST", KIT_PATH "/delete_devices", body));
  EXPECT_ANSWER(&host, &request, 200, "{}");
  EXPECT_EQ(1, host.asked[KIT_DELETE_DEVICES]);
  for (int i = 0; i < kIds; ++i)
    EXPECT_EQ(1, seen[i]);
  free(body);
  kit_close(&host);
}

static int32_t expects_one(kit_host* host, const kit_question* question) {
  if (question->kind == KIT_DELETE_DEVICES) {
    const mxd_deletion* deletion = question->argument;
    EXPECT_EQ(1, deletion->device_id_count);
    EXPECT_TEXT("A/B \xc3\xa9", deletion->device_ids[0]);
  }
  return kit_answer(host, question);
}

/* A user is asked to authenticate first, and nothing is deleted before that. */
static void check_challenge(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &request, "POST", KIT_PATH "/delete_devices",
                             "{\"devices\":[\"PHONE\"]}"));
  EXPECT_ANSWER(&host, &request, 401, "\"session\":\"" KIT_SESSION "\"");
  EXPECT_EQ(0, host.asked[KIT_DELETE_DEVICES]);
  EXPECT_EQ(1, host.asked[KIT_UIA_CREATE_SESSION]);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_many();
  check_challenge();
  kit_host host;
  open_service(&host);
  host.ask = expects_one;
  kit_request requests[2] = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &requests[0], "DELETE", KIT_LIST "/A%2FB%20%C3%A9", NULL));
  EXPECT_ANSWER(&host, &requests[0], 200, "{}");
  EXPECT_EQ(MXD_OK, kit_send(&host, &requests[1], "POST", KIT_PATH "/delete_devices",
                             "{\"devices\":[\"A\\/B \\u00e9\",\"A/B \xc3\xa9\"]}"));
  EXPECT_ANSWER(&host, &requests[1], 200, "{}");
  EXPECT_EQ(2, host.asked[KIT_DELETE_DEVICES]);
  kit_close(&host);
  return kit_result();
}
