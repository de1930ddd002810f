#include "module/devices/routes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/fake_host.h"

namespace mxd::devices {
namespace {

TEST(FindRoute, EveryEndpointInEveryVersion) {
  const config::Config config;
  for (const std::string version : {"v3", "r0"}) {
    const std::string base = "/_matrix/client/" + version;
    EXPECT_EQ(find_route(base + "/devices", config)->endpoint->path, "/devices");
    EXPECT_EQ(find_route(base + "/delete_devices", config)->endpoint->path, kDeleteDevicesPath);
    const std::string one = base + "/devices/A%2Fb";
    const auto device = find_route(one, config);
    ASSERT_TRUE(device.has_value());
    EXPECT_EQ(device->endpoint->path, kDevicePath);
    EXPECT_EQ(device->segment, "A%2Fb") << "not decoded";
  }
}

TEST(FindRoute, NotOurs) {
  const config::Config config;
  for (const char* path :
       {"", "/", "/_matrix/client/", "/_matrix/client/v3", "/_matrix/client/v3/",
        "/_matrix/client/v3/devices/", "/_matrix/client/v3/devices/a/",
        "/_matrix/client/v3/delete_devices/", "/_matrix/client/v3/delete_devicesX",
        "/_matrix/client/v1/devices", "/_matrix/client/V3/devices", "/_matrix/client/v3/Devices",
        "/_matrix/client//devices", "//_matrix/client/v3/devices", "/_matrix/Client/v3/devices",
        "/_matrix/client/v3/%64evices"}) {
    EXPECT_FALSE(find_route(path, config).has_value()) << path;
  }
}

TEST(Routes, CanBeEnumerated) {
  test::FakeHost host(test::Completion::kInline);
  host.config = R"({"path_versions":["v3"]})";
  std::vector<std::string> routes;
  mxd_route route{};
  route.size = sizeof route;
  while (host.module().route(host.instance(), static_cast<uint32_t>(routes.size()), &route) ==
         MXD_OK) {
    routes.push_back(test::copied(route.methods) + " " + test::copied(route.path));
  }
  EXPECT_EQ(routes, (std::vector<std::string>{
                        "GET, HEAD, OPTIONS /_matrix/client/v3/devices",
                        "GET, HEAD, PUT, DELETE, OPTIONS /_matrix/client/v3/devices/{deviceId}",
                        "POST, OPTIONS /_matrix/client/v3/delete_devices"}));
}

}  // namespace
}  // namespace mxd::devices
