/* What the host emits is checked before it is used: a result that no client could make sense of is
 * refused, logged, and a 500 that says nothing of the cause. A whole list is lost with one bad row:
 * a client deletes the data of devices that it does not see. */
#include "host_kit.h"

#define LATIN1 KIT_TEXT("caf\xe9")

static mxd_device bad_device;
static mxd_principal bad_principal;
static kit_kind asked;

static int32_t emits_it(kit_host* host, const kit_question* question) {
  if (question->kind != asked) return kit_answer(host, question);
  if (asked == KIT_AUTHENTICATE) {
    EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_principal(question->op, &bad_principal));
  } else {
    if (asked == KIT_LIST_DEVICES) {
      EXPECT_EQ(MXD_OK, module->emit_device(question->op, &host->devices[0]));
    }
    EXPECT_EQ(MXD_INVALID_ARGUMENT, module->emit_device(question->op, &bad_device));
  }
  return kit_complete(question->op, MXD_OK);
}

static void expect_500(const char* what, kit_kind kind, const char* target) {
  fprintf(stderr, "%s\n", what);
  kit_host host;
  kit_init(&host);
  host.misbehaves = true;
  host.ask = emits_it;
  asked = kind;
  kit_open(&host);
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, target));
  EXPECT_ANSWER(&host, &request, 500, "M_UNKNOWN");
  EXPECT_EQ(1, strstr(request.body, "device_id") == NULL);
  EXPECT_EQ(1, strstr(request.body, "UTF") == NULL);
  kit_close(&host);
}

static void check_device(const char* what, mxd_device device) {
  bad_device = device;
  expect_500(what, KIT_LIST_DEVICES, KIT_LIST);
  expect_500(what, KIT_GET_DEVICE, KIT_PHONE);
}

static void check_principal(const char* what, mxd_principal principal) {
  bad_principal = principal;
  expect_500(what, KIT_AUTHENTICATE, KIT_LIST);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  const uint32_t size = sizeof(mxd_device);
  char long_id[256];
  memset(long_id, 'x', sizeof long_id);

  check_device("no ID", (mxd_device){.size = size});
  check_device("an ID of 256 bytes", (mxd_device){.size = size, .device_id = {long_id, 256}});
  check_device("an ID that is not UTF-8", (mxd_device){.size = size, .device_id = LATIN1});
  check_device("NULL with a length", (mxd_device){.size = size, .device_id = {NULL, 5}});
  check_device("a size of 0", (mxd_device){.device_id = KIT_TEXT("PHONE")});
  check_device("a name that is not UTF-8", (mxd_device){.size = size,
                                                        .flags = MXD_DEVICE_HAS_DISPLAY_NAME,
                                                        .device_id = KIT_TEXT("PHONE"),
                                                        .display_name = LATIN1});
  check_device("half a surrogate pair", (mxd_device){.size = size,
                                                     .flags = MXD_DEVICE_HAS_DISPLAY_NAME,
                                                     .device_id = KIT_TEXT("PHONE"),
                                                     .display_name = KIT_TEXT("\xed\xa0\x80")});
  check_device("a name that is NULL with a length",
               (mxd_device){.size = size,
                            .flags = MXD_DEVICE_HAS_DISPLAY_NAME,
                            .device_id = KIT_TEXT("PHONE"),
                            .display_name = {NULL, 3}});
  check_device("an address that is not UTF-8", (mxd_device){.size = size,
                                                            .flags = MXD_DEVICE_HAS_LAST_SEEN_IP,
                                                            .device_id = KIT_TEXT("PHONE"),
                                                            .last_seen_ip = LATIN1});

  const mxd_principal alice = {.size = sizeof alice,
                               .user_id = KIT_TEXT("@alice:example.org"),
                               .device_id = KIT_TEXT("PHONE")};
  mxd_principal principal = alice;
  principal.user_id = (mxd_view){NULL, 0};
  check_principal("no user", principal);
  principal = alice;
  principal.user_id = LATIN1;
  check_principal("a user that is not UTF-8", principal);
  principal = alice;
  principal.device_id = LATIN1;
  check_principal("a device that is not UTF-8", principal);
  principal = alice;
  principal.device_id = (mxd_view){NULL, 0};
  check_principal("neither a device nor a name for the token", principal);
  principal = alice;
  principal.flags = MXD_PRINCIPAL_APPSERVICE;
  check_principal("a service without an ID", principal);
  principal = alice;
  principal.size = 8;
  check_principal("a size below that of 1.0", principal);
  return kit_result();
}
