/* create() refuses a table without a mandatory callback, by name; the optional ones may be NULL,
 * each alone and all together. */
#include "host_kit.h"

typedef struct slot {
  const char* name;
  size_t offset;
} slot;

#define SLOT(name) \
  { #name, offsetof(mxd_host, name) }

static const slot mandatory[] = {SLOT(respond),    SLOT(authenticate),       SLOT(list_devices),
                                 SLOT(get_device), SLOT(rename_device),      SLOT(delete_devices),
                                 SLOT(uia_flows),  SLOT(uia_create_session), SLOT(uia_load_session),
                                 SLOT(uia_check),  SLOT(uia_replace_session)};
static const slot optional[] = {
    SLOT(put_device),        SLOT(mark_validated), SLOT(take_limit),   SLOT(cancel_operation),
    SLOT(release_principal), SLOT(now_ms),         SLOT(random_bytes), SLOT(log),
    SLOT(get_extension)};
#define COUNT(slots) (sizeof(slots) / sizeof(slots)[0])

static void clear(mxd_host* table, slot it) {
  memset((char*)table + it.offset, 0, sizeof(void (*)(void)));
}

static void expect_refusal(slot missing) {
  kit_host host;
  kit_init(&host);
  clear(&host.table, missing);
  char error[256] = "";
  host.instance = (mxd_instance*)&host;
  EXPECT_EQ(MXD_INVALID_ARGUMENT,
            module->create(&host.table, (mxd_view){NULL, 0}, &host.instance, error, sizeof error));
  EXPECT_CONTAINS(missing.name, error);
  EXPECT_EQ(1, host.instance == NULL);
  /* There may be no buffer for the error. */
  EXPECT_EQ(MXD_INVALID_ARGUMENT,
            module->create(&host.table, (mxd_view){NULL, 0}, &host.instance, NULL, 0));
}

/* Reads, renames and deletes all work without. */
static void expect_service(kit_host* host) {
  host->principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host->principal.service_id = KIT_TEXT("bridge");
  kit_open(host);
  kit_request list = {0}, put = {0}, deletion = {0};
  EXPECT_EQ(MXD_OK, kit_get(host, &list, KIT_LIST));
  EXPECT_ANSWER(host, &list, 200, "PHONE");
  EXPECT_EQ(MXD_OK, kit_send(host, &put, "PUT", KIT_PHONE, "{\"display_name\":\"x\"}"));
  EXPECT_ANSWER(host, &put, 200, "{}");
  EXPECT_EQ(MXD_OK, kit_send(host, &deletion, "DELETE", KIT_PHONE, NULL));
  EXPECT_ANSWER(host, &deletion, 200, "{}");
  EXPECT_EQ(MXD_OK, module->destroy(host->instance));
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  for (size_t i = 0; i < COUNT(mandatory); ++i)
    expect_refusal(mandatory[i]);

  kit_host host;
  for (size_t i = 0; i < COUNT(optional); ++i) {
    kit_init(&host);
    clear(&host.table, optional[i]);
    expect_service(&host);
  }
  kit_init(&host);
  for (size_t i = 0; i < COUNT(optional); ++i)
    clear(&host.table, optional[i]);
  expect_service(&host);

  /* Without put_device nobody can create. */
  kit_init(&host);
  host.table.put_device = NULL;
  host.principal.flags = MXD_PRINCIPAL_APPSERVICE;
  host.principal.service_id = KIT_TEXT("bridge");
  kit_open(&host);
  kit_request put = {0};
  EXPECT_EQ(MXD_OK, kit_send(&host, &put, "PUT", KIT_LIST "/NEW", "{}"));
  EXPECT_ANSWER(&host, &put, 404, "M_NOT_FOUND");
  kit_close(&host);

  /* Nor is a grace period possible without mark_validated. */
  kit_init(&host);
  char error[256] = "";
  EXPECT_EQ(MXD_INVALID_ARGUMENT,
            module->create(&host.table, KIT_TEXT("{\"uia\":{\"grace_period_ms\":1000}}"),
                           &host.instance, error, sizeof error));
  EXPECT_CONTAINS("mark_validated", error);
  return kit_result();
}
