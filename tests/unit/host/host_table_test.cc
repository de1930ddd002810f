#include "module/host/host_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/fake_host.h"

namespace mxd::host {
namespace {

// A table with everything in it; one fake host is as good as any.
mxd_host whole_table() {
  static test::FakeHost host(test::Completion::kInline);
  return host.table;
}

TEST(HostTable, TakesACopy) {
  mxd_host given = whole_table();
  HostTable table;
  std::string error;
  ASSERT_EQ(table.adopt(&given, error), MXD_OK) << error;
  const mxd_cookie cookie = given.cookie;
  std::memset(&given, 0, sizeof given);
  EXPECT_EQ(table.cookie(), cookie);
  EXPECT_NE(table->respond, nullptr);
}

TEST(HostTable, RefusesNoTable) {
  HostTable table;
  std::string error;
  EXPECT_EQ(table.adopt(nullptr, error), MXD_INVALID_ARGUMENT);
  EXPECT_NE(error.find("NULL"), error.npos) << error;
}

TEST(HostTable, RefusesATableShorterThanVersion10) {
  for (const uint32_t size : {0u, 1u, 8u, uint32_t{MXD_HOST_SIZE_1_0} - 1}) {
    mxd_host given = whole_table();
    given.size = size;
    HostTable table;
    std::string error;
    EXPECT_EQ(table.adopt(&given, error), MXD_INVALID_ARGUMENT) << size;
    EXPECT_NE(error.find(std::to_string(size)), error.npos) << error;
  }
}

TEST(HostTable, TakesALongerTableOfALaterHost) {
  std::vector<char> longer(sizeof(mxd_host) + 64, '\x7F');
  mxd_host given = whole_table();
  given.size = static_cast<uint32_t>(longer.size());
  given.abi_minor = 7;
  std::memcpy(longer.data(), &given, sizeof given);
  HostTable table;
  std::string error;
  EXPECT_EQ(table.adopt(reinterpret_cast<const mxd_host*>(longer.data()), error), MXD_OK) << error;
}

TEST(HostTable, NamesTheMandatoryCallbackThatIsMissing) {
  const struct {
    const char* name;
    void (*remove)(mxd_host&);
  } cases[] = {
      {"respond", [](mxd_host& host) { host.respond = nullptr; }},
      {"authenticate", [](mxd_host& host) { host.authenticate = nullptr; }},
      {"list_devices", [](mxd_host& host) { host.list_devices = nullptr; }},
      {"get_device", [](mxd_host& host) { host.get_device = nullptr; }},
      {"rename_device", [](mxd_host& host) { host.rename_device = nullptr; }},
      {"delete_devices", [](mxd_host& host) { host.delete_devices = nullptr; }},
      {"uia_flows", [](mxd_host& host) { host.uia_flows = nullptr; }},
      {"uia_create_session", [](mxd_host& host) { host.uia_create_session = nullptr; }},
      {"uia_load_session", [](mxd_host& host) { host.uia_load_session = nullptr; }},
      {"uia_check", [](mxd_host& host) { host.uia_check = nullptr; }},
      {"uia_replace_session", [](mxd_host& host) { host.uia_replace_session = nullptr; }},
  };
  for (const auto& row : cases) {
    mxd_host given = whole_table();
    row.remove(given);
    HostTable table;
    std::string error;
    EXPECT_EQ(table.adopt(&given, error), MXD_INVALID_ARGUMENT) << row.name;
    EXPECT_NE(error.find(row.name), error.npos) << error;
  }
}

TEST(HostTable, DoesWithoutTheOptionalCallbacks) {
  mxd_host given = whole_table();
  std::memset(&given.put_device, 0, sizeof given - offsetof(mxd_host, put_device));
  HostTable table;
  std::string error;
  ASSERT_EQ(table.adopt(&given, error), MXD_OK) << error;
  table.log(0, MXD_LOG_INFO, "to nobody");
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  EXPECT_GE(table.now_ms(), now) << "the system's clock, in milliseconds";
  EXPECT_LT(table.now_ms(), now + 3'600'000);
}

TEST(HostTable, RefusesCapabilitiesThatMustBeUnderstood) {
  for (int bit = 48; bit < 64; ++bit) {
    mxd_host given = whole_table();
    given.caps |= uint64_t{1} << bit;
    HostTable table;
    std::string error;
    EXPECT_EQ(table.adopt(&given, error), MXD_UNSUPPORTED) << bit;
    EXPECT_NE(error.find("caps"), error.npos) << error;
  }
  mxd_host given = whole_table();
  given.caps = uint64_t{1} << 47 | 1;
  HostTable table;
  std::string error;
  EXPECT_EQ(table.adopt(&given, error), MXD_OK) << "others may be passed over: " << error;
}

TEST(HostTable, GracePeriodNeedsMarkValidated) {
  mxd_host given = whole_table();
  given.mark_validated = nullptr;
  mxd_instance* instance = nullptr;
  char error[256];
  EXPECT_EQ(matrix_devices_module_v1()->create(&given, view(R"({"uia":{"grace_period_ms":1}})"),
                                               &instance, error, sizeof error),
            MXD_INVALID_ARGUMENT);
  EXPECT_EQ(instance, nullptr);
  EXPECT_NE(std::string(error).find("mark_validated"), std::string::npos) << error;
}

}  // namespace
}  // namespace mxd::host
