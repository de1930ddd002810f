/* create() writes one terminated line into the buffer that it is given, and not a byte more. */
#include "host_kit.h"

static int32_t fail(mxd_view config, char* error, size_t size) {
  kit_host host;
  kit_init(&host);
  host.table.list_devices = NULL;
  mxd_instance* instance = (mxd_instance*)&host;
  const int32_t status = module->create(&host.table, config, &instance, error, size);
  EXPECT_EQ(1, instance == NULL);
  return status;
}

static void expect_bad_config(const char* config) {
  kit_host host;
  kit_init(&host);
  char error[256] = "";
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->create(&host.table, (mxd_view){config, strlen(config)},
                                                 &host.instance, error, sizeof error));
  EXPECT_EQ(1, error[0] != '\0');
  EXPECT_EQ(1, strchr(error, '\n') == NULL);
}

int main(int argc, char** argv) {
  kit_load(argc, argv);
  const mxd_view none = {NULL, 0};
  char whole[512] = "";
  EXPECT_EQ(MXD_INVALID_ARGUMENT, fail(none, whole, sizeof whole));
  const size_t length = strlen(whole);
  EXPECT_EQ(1, length > 8);
  EXPECT_EQ(1, strchr(whole, '\n') == NULL);

  for (size_t size = 0; size <= length + 2; ++size) {
    char buffer[512];
    memset(buffer, '#', sizeof buffer);
    EXPECT_EQ(MXD_INVALID_ARGUMENT, fail(none, buffer, size));
    EXPECT_EQ('#', buffer[size]);
    if (size == 0) continue;
    const size_t kept = size - 1 < length ? size - 1 : length;
    EXPECT_EQ(kept, strnlen(buffer, sizeof buffer));
    EXPECT_EQ(0, memcmp(buffer, whole, kept));
  }
  EXPECT_EQ(MXD_INVALID_ARGUMENT, fail(none, NULL, 0));
  EXPECT_EQ(MXD_INVALID_ARGUMENT, fail(none, NULL, 100));

  expect_bad_config("[");
  expect_bad_config("[]");
  expect_bad_config("{\"no_such_setting\":1}");
  expect_bad_config("{\"max_body_bytes\":\"many\"}");
  expect_bad_config("{\"max_body_bytes\":-1}");
  return kit_result();
}
