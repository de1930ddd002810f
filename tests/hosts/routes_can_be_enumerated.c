/* route(): what a host registers with its own router, and NOT_FOUND after the last. */
#include "host_kit.h"

typedef struct expected_route {
  const char* methods;
  const char* path;
  bool seen;
} expected_route;

static void check(const char* config, expected_route* expected, size_t count) {
  kit_host host;
  kit_init(&host);
  host.config = config;
  kit_open(&host);
  uint32_t index = 0;
  mxd_route route = {.size = sizeof route};
  mxd_view kept[32];
  for (; module->route(host.instance, index, &route) == MXD_OK && index < 32; ++index) {
    kept[index] = route.path;
    bool known = false;
    for (size_t i = 0; i < count; ++i) {
      if (route.path.size != strlen(expected[i].path) ||
          memcmp(route.path.data, expected[i].path, route.path.size) != 0) {
        continue;
      }
      EXPECT_TEXT(expected[i].methods, route.methods);
      EXPECT_EQ(false, expected[i].seen);
      expected[i].seen = known = true;
    }
    if (!known) EXPECT_TEXT("one of the expected paths", route.path);
  }
  EXPECT_EQ(count, index);
  for (size_t i = 0; i < count; ++i) {
    if (!expected[i].seen) fprintf(stderr, "expected a route %s, got none\n", expected[i].path);
    EXPECT_EQ(true, expected[i].seen);
  }
  EXPECT_EQ(MXD_NOT_FOUND, module->route(host.instance, index, &route));
  EXPECT_EQ(MXD_NOT_FOUND, module->route(host.instance, UINT32_MAX, &route));
  mxd_route no_size = {.size = 0};
  EXPECT_EQ(MXD_INVALID_ARGUMENT, module->route(host.instance, 0, &no_size));
  /* The views live as long as the instance. */
  for (uint32_t i = 0; i < index; ++i) {
    EXPECT_EQ(MXD_OK, module->route(host.instance, i, &route));
    EXPECT_EQ(1, route.path.size == kept[i].size &&
                     memcmp(route.path.data, kept[i].data, kept[i].size) == 0);
  }
  kit_close(&host);
}

#define ONE    "GET, HEAD, PUT, DELETE, OPTIONS"
#define ALL    "GET, HEAD, OPTIONS"
#define DELETE "POST, OPTIONS"

int main(int argc, char** argv) {
  kit_load(argc, argv);
  expected_route usual[] = {
      {ALL, "/_matrix/client/v3/devices", false},
      {ONE, "/_matrix/client/v3/devices/{deviceId}", false},
      {DELETE, "/_matrix/client/v3/delete_devices", false},
      {ALL, "/_matrix/client/r0/devices", false},
      {ONE, "/_matrix/client/r0/devices/{deviceId}", false},
      {DELETE, "/_matrix/client/r0/delete_devices", false},
  };
  check("", usual, sizeof usual / sizeof usual[0]);
  expected_route configured[] = {
      {ALL, "/_matrix/client/unstable/devices", false},
      {ONE, "/_matrix/client/unstable/devices/{deviceId}", false},
      {DELETE, "/_matrix/client/unstable/delete_devices", false},
  };
  check("{\"path_versions\":[\"unstable\"]}", configured, sizeof configured / sizeof configured[0]);
  return kit_result();
}
