/* `size` says how much of a struct there is: less than version 1.0 had is refused, what comes after
 * the module's own knowledge is not looked at. */
#include <stdlib.h>

#include "host_kit.h"

static int32_t create(const kit_host* host, uint32_t size, mxd_instance** instance) {
  /* On the heap, at its exact size, so that a sanitizer sees a read past it. */
  char* bytes = malloc(size < 4 ? 4 : size);
  memset(bytes, 0xA5, size < 4 ? 4 : size);
  memcpy(bytes, &host->table, size < sizeof host->table ? size : sizeof host->table);
  memcpy(bytes, &size, sizeof size);
  char error[256] = "untouched";
  *instance = (mxd_instance*)bytes;
  const int32_t status =
      module->create((const mxd_host*)(void*)bytes, KIT_TEXT("{}"), instance, error, sizeof error);
  if (status != MXD_OK) {
    EXPECT_EQ(1, *instance == NULL);
    EXPECT_CONTAINS("size", error);
  }
  free(bytes);
  return status;
}

static void check_table(void) {
  kit_host host;
  kit_init(&host);
  const uint32_t size_of_1_0 = MXD_HOST_SIZE_1_0;
  const uint32_t refused[] = {0, 4, 8, 40, size_of_1_0 - 8, size_of_1_0 - 1};
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
    EXPECT_EQ(MXD_INVALID_ARGUMENT, create(&host, refused[i], &host.instance));
  }
  const uint32_t accepted[] = {size_of_1_0, size_of_1_0 + 8, size_of_1_0 + 4096};
  for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; ++i) {
    EXPECT_EQ(MXD_OK, create(&host, accepted[i], &host.instance));
    kit_request request = {0};
    EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_LIST));
    EXPECT_ANSWER(&host, &request, 200, "TABLET");
    kit_close(&host);
  }
  host.table.abi_minor = MXD_ABI_MINOR + 7; /* a host of a later minor */
  EXPECT_EQ(MXD_OK, create(&host, size_of_1_0 + 64, &host.instance));
  kit_close(&host);
}

static void check_request(void) {
  kit_host host;
  kit_init(&host);
  kit_open(&host);
  kit_request answer = {0};
  mxd_request request = {.size = 0,
                         .cookie = (mxd_cookie)&answer,
                         .method = KIT_TEXT("GET"),
                         .target = KIT_TEXT(KIT_LIST)};
  for (uint32_t size = 0; size < MXD_REQUEST_SIZE_1_0; size += 8) {
    request.size = size;
    EXPECT_EQ(MXD_INVALID_ARGUMENT, module->handle(host.instance, &request, NULL));
  }
  struct {
    mxd_request known;
    uint64_t later[8];
  } longer = {request, {UINT64_MAX, UINT64_MAX, UINT64_MAX}};
  longer.known.size = sizeof longer;
  EXPECT_EQ(MXD_OK, module->handle(host.instance, &longer.known, NULL));
  ++host.accepted;
  EXPECT_ANSWER(&host, &answer, 401, "M_MISSING_TOKEN");
  kit_close(&host);
}

static uint32_t device_size;

static int32_t emits_a_device_of_that_size(kit_host* host, const kit_question* question) {
  if (question->kind != KIT_GET_DEVICE) return kit_answer(host, question);
  struct {
    mxd_device known;
    uint64_t later[4];
  } device = {host->devices[1], {UINT64_MAX}};
  device.known.size = device_size;
  EXPECT_EQ(device_size < MXD_DEVICE_SIZE_1_0 ? MXD_INVALID_ARGUMENT : MXD_OK,
            module->emit_device(question->op, &device.known));
  return kit_complete(question->op, MXD_OK);
}

static void check_emitted(uint32_t size, uint32_t http_status, const char* part) {
  kit_host host;
  kit_init(&host);
  host.misbehaves = http_status == 500;
  host.ask = emits_a_device_of_that_size;
  kit_open(&host);
  device_size = size;
  kit_request request = {0};
  EXPECT_EQ(MXD_OK, kit_get(&host, &request, KIT_PHONE));
  EXPECT_ANSWER(&host, &request, http_status, part);
  kit_close(&host);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  check_table();
  check_request();
  check_emitted(0, 500, "M_UNKNOWN");
  check_emitted(MXD_DEVICE_SIZE_1_0 - 1, 500, "M_UNKNOWN");
  check_emitted(MXD_DEVICE_SIZE_1_0, 200, "PHONE");
  check_emitted(sizeof(mxd_device) + 32, 200, "PHONE");
  return kit_result();
}
