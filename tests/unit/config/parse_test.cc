#include <gtest/gtest.h>

#include <string>

#include "module/config/config.h"

namespace mxd::config {
namespace {

TEST(Parse, NothingIsTheDefaults) {
  for (const char* text : {"", " \n", "{}"}) {
    Config config;
    std::string error;
    ASSERT_TRUE(parse(text, config, error)) << error;
    EXPECT_EQ(config.path_versions, (std::vector<std::string>{"v3", "r0"}));
    EXPECT_TRUE(config.allow_query_token);
    EXPECT_TRUE(config.device_id_alias);
    EXPECT_FALSE(config.unknown_fields_null);
    EXPECT_EQ(config.max_body_bytes, 1'048'576u);
    EXPECT_EQ(config.json.depth, 32u);
    EXPECT_EQ(config.json.members, 128u);
    EXPECT_EQ(config.max_display_name_length, 100u);
    EXPECT_EQ(config.max_devices_per_user, 0u);
    EXPECT_EQ(config.server_name, "");
    EXPECT_EQ(config.limits.uia_repeats.burst, 30);
    EXPECT_EQ(config.limits.uia_repeats.interval_ms, 1000);
    EXPECT_EQ(config.uia.session_lifetime_ms, 3'600'000);
    EXPECT_EQ(config.uia.completed_lifetime_ms, 300'000);
    EXPECT_EQ(config.uia.grace_period_ms, 0);
    EXPECT_EQ(config.uia.body_binding, BodyBinding::kStrict);
    EXPECT_FALSE(config.uia.allow_unproved_flows);
  }
}

TEST(Parse, EveryKey) {
  Config config;
  std::string error;
  ASSERT_TRUE(parse(R"({
    "path_versions": ["v9"], "allow_query_token": false, "device_id_alias": false, "unknown_fields": "null",
    "max_json_depth": 4, "max_json_members": 8, "max_body_bytes": 1024, "max_display_name_length": 1, "max_devices_per_user": 5,
    "user_limit_info_uri": "https://example.org/l", "account_management_url": "http://example.org",
    "limits": {"device_creation": {"burst": 1, "interval_ms": 2},
               "uia_failures": {"burst": 3, "interval_ms": 4},
               "uia_challenges": {"burst": 5, "interval_ms": 6},
               "uia_repeats": {"burst": 7, "interval_ms": 8}},
    "server_name": "example.org:8448",
    "uia": {"session_lifetime_ms": 1000, "completed_lifetime_ms": 0, "grace_period_ms": 1,
            "max_sessions_per_user": 1, "body_binding": "lenient", "allow_unproved_flows": true}
  })",
                    config, error))
      << error;
  EXPECT_EQ(config.path_versions, std::vector<std::string>{"v9"});
  EXPECT_FALSE(config.allow_query_token);
  EXPECT_FALSE(config.device_id_alias);
  EXPECT_TRUE(config.unknown_fields_null);
  EXPECT_EQ(config.max_body_bytes, 1024u);
  EXPECT_EQ(config.json.depth, 4u);
  EXPECT_EQ(config.json.members, 8u);
  EXPECT_EQ(config.max_display_name_length, 1u);
  EXPECT_EQ(config.max_devices_per_user, 5u);
  EXPECT_EQ(config.user_limit_info_uri, "https://example.org/l");
  EXPECT_EQ(config.account_management_url, "http://example.org");
  EXPECT_EQ(config.limits.device_creation.burst, 1);
  EXPECT_EQ(config.limits.device_creation.interval_ms, 2);
  EXPECT_EQ(config.limits.uia_failures.burst, 3);
  EXPECT_EQ(config.limits.uia_challenges.interval_ms, 6);
  EXPECT_EQ(config.limits.uia_repeats.burst, 7);
  EXPECT_EQ(config.limits.uia_repeats.interval_ms, 8);
  EXPECT_EQ(config.server_name, "example.org:8448");
  EXPECT_EQ(config.uia.session_lifetime_ms, 1000);
  EXPECT_EQ(config.uia.completed_lifetime_ms, 0);
  EXPECT_EQ(config.uia.grace_period_ms, 1);
  EXPECT_EQ(config.uia.max_sessions_per_user, 1u);
  EXPECT_EQ(config.uia.body_binding, BodyBinding::kLenient);
  EXPECT_TRUE(config.uia.allow_unproved_flows);
}

TEST(Parse, WhereTheSchemaIsChangesNothing) {
  Config config;
  std::string error;
  for (const char* text : {R"({"$schema":"./configuration.schema.json","max_json_depth":5})",
                           R"({"max_json_depth":5,"$schema":""})"}) {
    EXPECT_TRUE(parse(text, config, error)) << text << ": " << error;
    EXPECT_EQ(config.json.depth, 5u) << text;
  }
}

TEST(Parse, MistakesAreNamedByTheirPath) {
  const struct {
    const char* text;
    const char* named;    // the path of the key
    const char* allowed;  // a part of what is allowed
  } cases[] = {
      {R"({"path_version":[]})", "\"path_version\"", "path_versions"},
      {R"({"uia":{"x":1}})", "\"uia.x\"", "session_lifetime_ms"},
      {R"({"limits":{"uia_failures":{"bursts":1}}})", "\"limits.uia_failures.bursts\"", "burst"},
      {R"({"uia":[]})", "\"uia\"", "an object"},
      {R"({"path_versions":"v3"})", "\"path_versions\"", "list"},
      {R"({"path_versions":[]})", "\"path_versions\"", "1 to 16"},
      {R"({"path_versions":["a/b"]})", "\"path_versions\"", "path segments"},
      {R"({"path_versions":[""]})", "\"path_versions\"", "path segments"},
      {R"({"path_versions":[1]})", "\"path_versions\"", "list"},
      {R"({"allow_query_token":"yes"})", "\"allow_query_token\"", "true or false"},
      {R"({"device_id_alias":1})", "\"device_id_alias\"", "true or false"},
      {R"({"max_json_members":7})", "\"max_json_members\"", "from 8 to 1024"},
      {R"({"max_json_members":1025})", "\"max_json_members\"", "from 8 to 1024"},
      {R"({"allow_query_token":null})", "\"allow_query_token\"", "true or false"},
      {R"({"unknown_fields":"keep"})", "\"unknown_fields\"", "\"omit\" or \"null\""},
      {R"({"max_body_bytes":1023})", "\"max_body_bytes\"", "from 1024 to 1073741824"},
      {R"({"max_body_bytes":1073741825})", "\"max_body_bytes\"", "from 1024"},
      {R"({"max_body_bytes":2048.0})", "\"max_body_bytes\"", "whole number"},
      {R"({"max_body_bytes":"2048"})", "\"max_body_bytes\"", "whole number"},
      {R"({"max_display_name_length":0})", "\"max_display_name_length\"", "from 1 to"},
      {R"({"max_devices_per_user":-1})", "\"max_devices_per_user\"", "from 0 to"},
      {R"({"max_devices_per_user":18446744073709551615})", "\"max_devices_per_user\"", "from 0"},
      {R"({"user_limit_info_uri":"example.org"})", "\"user_limit_info_uri\"", "URL"},
      {R"({"account_management_url":"javascript:1"})", "\"account_management_url\"", "URL"},
      {R"({"limits":{"uia_failures":{"burst":0}}})", "\"limits.uia_failures.burst\"", "from 1 to"},
      {R"({"limits":{"uia_challenges":{"interval_ms":86400001}}})",
       "\"limits.uia_challenges.interval_ms\"", "from 1 to 86400000"},
      {R"({"uia":{"session_lifetime_ms":999}})", "\"uia.session_lifetime_ms\"", "from 1000 to"},
      {R"({"uia":{"max_sessions_per_user":0}})", "\"uia.max_sessions_per_user\"", "from 1 to"},
      {R"({"limits":{"uia_repeats":{"burst":0}}})", "\"limits.uia_repeats.burst\"", "from 1 to"},
      {R"({"server_name":1})", "\"server_name\"", "1 to 255 bytes"},
      {R"({"server_name":"a\nb"})", "\"server_name\"", "without white space"},
      {R"({"uia":{"body_binding":"loose"}})", "\"uia.body_binding\"", "\"strict\" or \"lenient\""},
      {R"({"a\nb":1})", R"("a\nb")", "path_versions"},
      {R"({"path_versions":["v\t3"]})", "\"path_versions\"", "path segments"},
      {R"({"account_management_url":"https://a b"})", "\"account_management_url\"", "URL"},
      {R"({"uia":{"allow_unproved_flows":1}})", "\"uia.allow_unproved_flows\"", "true or false"},
      {R"({"$schema":1})", "\"$schema\"", "must be a string"},
      {R"({"$schema":null})", "\"$schema\"", "must be a string"},
      {R"({"uia":{"$schema":"x"}})", "\"uia.$schema\"", "session_lifetime_ms"},
  };
  for (const auto& row : cases) {
    Config config;
    std::string error;
    EXPECT_FALSE(parse(row.text, config, error)) << row.text;
    EXPECT_NE(error.find(row.named), error.npos) << row.text << ": " << error;
    EXPECT_NE(error.find(row.allowed), error.npos) << row.text << ": " << error;
    EXPECT_EQ(error.find('\n'), error.npos) << "one line: " << error;
  }
}

TEST(Parse, AKeyThatIsThereTwice) {
  for (const char* text : {R"({"fallback_pages":true,"fallback_pages":false})",
                           R"({"uia":{"grace_period_ms":1,"grace_period_ms":2}})"}) {
    Config config;
    std::string error;
    EXPECT_FALSE(parse(text, config, error)) << text;
    EXPECT_NE(error.find("twice"), error.npos) << error;
  }
}

TEST(Parse, WhatIsNoObject) {
  for (const char* text : {"[]", "1", "x", "{", "{}{}", "null", "\"{}\"", "{\"a\":1,}"}) {
    Config config;
    std::string error;
    EXPECT_FALSE(parse(text, config, error)) << text;
    EXPECT_NE(error.find("not a JSON object"), error.npos) << error;
  }
}

}  // namespace
}  // namespace mxd::config
