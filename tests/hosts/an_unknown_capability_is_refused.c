/* Bits 48 to 63 of caps change what the table means: a module that does not know one must not go
 * on. The others only promise more, and an unknown promise may be passed over. */
#include "host_kit.h"

int main(int argc, char** argv) {
  kit_load(argc, argv);
  EXPECT_EQ(0, module->caps >> MXD_CAP_MUST_UNDERSTAND_FROM);
  for (unsigned bit = 0; bit < 64; ++bit) {
    kit_host host;
    kit_init(&host);
    host.table.caps |= UINT64_C(1) << bit;
    char error[256] = "";
    const int32_t status =
        module->create(&host.table, (mxd_view){NULL, 0}, &host.instance, error, sizeof error);
    EXPECT_EQ(bit < MXD_CAP_MUST_UNDERSTAND_FROM ? MXD_OK : MXD_UNSUPPORTED, status);
    if (status == MXD_OK) {
      kit_close(&host);
      continue;
    }
    EXPECT_EQ(1, host.instance == NULL);
    char expected[32];
    snprintf(expected, sizeof expected, "%#llx", 1ull << bit);
    EXPECT_CONTAINS("caps", error);
    EXPECT_CONTAINS(expected, error);
  }
  return kit_result();
}
