// Rows G: the list, and one device.
#include <boost/json/array.hpp>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

TEST_P(Rows, G1_EmptyList) {
  host.users[kAlice].devices.clear();
  EXPECT_TRUE(is_ok(get(kDevices), 200, R"({"devices":[]})"));
}

TEST_P(Rows, G2_OnlyWhatIsKnown) {
  EXPECT_TRUE(is_ok(get(kDevices), 200,
                    R"({"devices":[{"device_id":"LAPTOP","display_name":"Alice's laptop",)"
                    R"("last_seen_ip":"192.0.2.7","last_seen_ts":1699999999000},)"
                    R"({"device_id":"PHONE"},{"device_id":"TABLET","display_name":""}]})"));
}

TEST_P(Rows, G2_UnknownAsNull) {
  host.config = R"({"unknown_fields":"null"})";
  EXPECT_TRUE(is_ok(get("/_matrix/client/v3/devices/PHONE"), 200,
                    R"({"device_id":"PHONE","display_name":null,"last_seen_ip":null,)"
                    R"("last_seen_ts":null})"));
}

TEST_P(Rows, G2_AnUnnamedDeviceInheritsNothing) {
  host.users[kAlice].devices = {{"A", {"named", "192.0.2.1", 1}}, {"B", {}}};
  const auto rows = get(kDevices).json().at("devices").get_array();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].get_object().size(), 1u);
}

TEST_P(Rows, G2_AnyTextIsEscaped) {
  const std::string name = "\"\\/\b\f\n\r\t\x01\x7F <b> \xE2\x80\xA8 \xF0\x9F\x93\xB1";
  host.users[kAlice].devices = {{"A\"B", {.display_name = name}}};
  const auto rows = get(kDevices).json().at("devices").get_array();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at("device_id").get_string(), "A\"B");
  EXPECT_EQ(rows[0].at("display_name").get_string(), name);
}

TEST_P(Rows, G3_OrderIsTheHosts) {
  const auto first = get(kDevices).body;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(get(kDevices).body, first);
}

TEST_P(Rows, G4_LargeListIsWhole) {
  auto& devices = host.users[kAlice].devices;
  devices.clear();
  for (int i = 0; i < 10'000; ++i)
    devices["DEVICE" + std::to_string(i)] = {.display_name = "a name of some length"};
  EXPECT_EQ(get(kDevices).json().at("devices").get_array().size(), 10'000u);
}

TEST_P(Rows, G4_ListThatFailsHalfwayIsAnError) {
  host.scripts["list_devices"] = [this](mxd_op op) {
    mxd_device device{};
    device.size = sizeof device;
    device.device_id = view("ONLYONE");
    EXPECT_EQ(host.module().emit_device(op, &device), MXD_OK);
    return MXD_UNAVAILABLE;
  };
  const auto response = get(kDevices);
  EXPECT_TRUE(is_error(response, 503, "M_UNKNOWN"));
  EXPECT_EQ(response.body.find("ONLYONE"), std::string::npos) << response;
}

TEST_P(Rows, G5_UnknownDevice) {
  EXPECT_TRUE(is_error(get("/_matrix/client/v3/devices/NOSUCH"), 404, "M_NOT_FOUND"));
}

TEST_P(Rows, G6_SomebodyElsesDevice) {
  const auto theirs = get("/_matrix/client/v3/devices/BOBPHONE");
  EXPECT_EQ(theirs.status, 404);
  EXPECT_EQ(theirs.body, get("/_matrix/client/v3/devices/NOSUCH").body);
}

}  // namespace
}  // namespace mxd::test
