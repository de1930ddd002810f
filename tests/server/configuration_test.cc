#include "bindings/server/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Configuration parse(std::string_view json) {
  return parse_configuration(json, "example.org");
}

std::string refusal(const std::string& json) {
  try {
    parse(json);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Configuration, AnEmptyTextIsTheDefaults) {
  for (const char* const text : {"", " \n", "{}", R"({"server": {}})"}) {
    const Configuration configuration = parse(text);
    EXPECT_EQ(configuration.settings, Settings{}) << text;
    EXPECT_EQ(configuration.module, R"({"unknown_fields":"null","server_name":"example.org"})")
        << text;
  }
}

TEST(Configuration, EveryKeyOfTheServer) {
  const Settings settings = parse(R"({"server": {
    "limits": {
      "enabled": false,
      "login_address_user": {"burst": 1, "interval_ms": 2},
      "login_user": {"burst": 3, "interval_ms": 4},
      "login_address": {"burst": 5, "interval_ms": 6},
      "registration_address": {"burst": 7, "interval_ms": 8}
    },
    "database": "host=db",
    "database_password_file": "/run/password",
    "database_connections": 16,
    "database_prepared_statements": false,
    "max_connections": 9,
    "max_incoming_body_bytes": 1048577,
    "refresh_token_lifetime": "10d",
    "guest_lifetime": "11h",
    "delete_devices_after": "12m"
  }})")
                                .settings;
  EXPECT_FALSE(settings.limits.enabled);
  EXPECT_EQ(settings.limits.login_address_user, (LimitSetting{1, 2ms}));
  EXPECT_EQ(settings.limits.login_user, (LimitSetting{3, 4ms}));
  EXPECT_EQ(settings.limits.login_address, (LimitSetting{5, 6ms}));
  EXPECT_EQ(settings.limits.registration_address, (LimitSetting{7, 8ms}));
  EXPECT_EQ(settings.database, (Settings::Database{"host=db", "/run/password", 16, false}));
  EXPECT_EQ(settings.max_connections, 9U);
  EXPECT_EQ(settings.max_incoming_body_bytes, 1'048'577U);
  EXPECT_EQ(settings.refresh_token_lifetime, 240h);
  EXPECT_EQ(settings.guest_lifetime, 11h);
  EXPECT_EQ(settings.delete_devices_after, 12min);
}

TEST(Configuration, TheDocumentShowsTheDefaults) {
  std::ifstream file(MXD_SOURCE_DIR "/docs/operations.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "<!-- server config -->\n```json\n";
  const auto begin = text.find(fence);
  ASSERT_NE(begin, text.npos);
  const auto block = begin + fence.size();
  EXPECT_EQ(parse(text.substr(block, text.find("```", block) - block)).settings, Settings{});
}

TEST(Configuration, HalfALimitKeepsTheOtherHalf) {
  const auto settings = parse(R"({"server": {"limits": {"login_user": {"burst": 1}}}})").settings;
  EXPECT_EQ(settings.limits.login_user, (LimitSetting{1, 2s}));
}

TEST(Configuration, TheRestIsTheModules) {
  const Configuration configuration = parse(
      R"({"max_body_bytes": 2048, "server": {}, "unknown_fields": "omit", "limits": {"x": 1},
          "server_name": "Example", "check": {"disposable": true}, "$schema": "x"})");
  EXPECT_EQ(configuration.module,
            R"({"max_body_bytes":2048,"unknown_fields":"omit","limits":{"x":1},)"
            R"("server_name":"Example","check":{"disposable":true},"$schema":"x"})")
      << "what another module knows is passed on too";
}

// T4, T12, A2, A14
TEST(Configuration, TheAccountEndpointsKnowWhatTheModuleIsTold) {
  const Settings settings = parse(R"({
    "allow_query_token": false,
    "device_id_alias": false,
    "max_display_name_length": 7,
    "max_devices_per_user": 8,
    "user_limit_info_uri": "https://example.org/limit"
  })")
                                .settings;
  EXPECT_EQ(settings.devices, (Settings::Devices{false, false, 7, 8, "https://example.org/limit"}));
}

TEST(Configuration, AWrongOneIsRefusedWithTheKeyAndWhatIsAllowed) {
  const struct {
    const char* json;
    const char* key;
    const char* allowed;
  } cases[] = {
      {"[]", "configuration", "not a JSON object"},
      {"{", "configuration", "not a JSON object"},
      {R"({"max_body_bytes": 2048, "max_body_bytes": 4096})", "a key is given twice",
       "give it once"},
      {R"({"server": []})", "server\"", "an object"},
      {R"({"server": null})", "server\"", "an object"},
      {R"({"server": {"max_conections": 1}})", "server.max_conections\"", "max_connections"},
      {R"({"server": {"$schema": "x"}})", "server.$schema\"", "not a known key"},
      {R"({"server": {"a\nb": 1}})", R"(server.a\nb")", "known"},
      {R"({"server": {"max_connections": "1"}})", "server.max_connections\"", "1 to 1000000"},
      {R"({"server": {"max_connections": 0}})", "server.max_connections\"", "1 to 1000000"},
      {R"({"server": {"max_connections": 1.0}})", "server.max_connections\"", "1 to 1000000"},
      {R"({"server": {"max_connections": 18446744073709551615}})", "server.max_connections\"",
       "1 to 1000000"},
      {R"({"server": {"database": ["host=db password=secret"]}})", "server.database\"", "a string"},
      {R"({"server": {"database_connections": -1}})", "server.database_connections\"", "0 to 1000"},
      {R"({"server": {"guest_lifetime": 30}})", "server.guest_lifetime\"", "365d"},
      {R"({"server": {"guest_lifetime": "30"}})", "server.guest_lifetime\"", "365d"},
      {R"({"server": {"guest_lifetime": "-1s"}})", "server.guest_lifetime\"", "365d"},
      {R"({"server": {"limits": {"enabled": 1}}})", "server.limits.enabled\"", "true or false"},
      {R"({"server": {"limits": {"login": {}}}})", "server.limits.login\"", "login_address_user"},
      {R"({"server": {"limits": {"login_user": 1}}})", "server.limits.login_user\"", "an object"},
      {R"({"server": {"limits": {"login_user": {"burst": 0}}}})", "login_user.burst\"", "1 to"},
      {R"({"server": {"limits": {"login_user": {"interval": 1}}}})", "login_user.interval\"",
       "burst, interval_ms"},
  };
  for (const auto& [json, key, allowed] : cases) {
    EXPECT_THAT(refusal(json), HasSubstr(key)) << json;
    EXPECT_THAT(refusal(json), HasSubstr(allowed)) << json;
    EXPECT_EQ(refusal(json).find('\n'), std::string::npos) << json;
  }
}

TEST(CurrentSettings, AReferenceStaysGoodAndEqualOnesAreNotKeptTwice) {
  CurrentSettings current{Settings{}};
  const Settings& before = current.get();
  current.replace(Settings{});
  EXPECT_EQ(&current.get(), &before);
  Settings other;
  other.max_connections = 1;
  current.replace(other);
  EXPECT_EQ(current->max_connections, 1U);
  EXPECT_EQ(before, Settings{});
}

}  // namespace
}  // namespace mxd::server
