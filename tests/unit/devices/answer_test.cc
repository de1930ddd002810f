// Rows R: which requests are ours, and what comes before an endpoint; rows L2 and L3.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

TEST_P(Rows, R1_ListOfDevices) {
  EXPECT_EQ(get(kDevices).status, 200);
  EXPECT_EQ(host.calls(), (Names{"authenticate", "list_devices"}));
}

TEST_P(Rows, R2_OneDevice) {
  EXPECT_TRUE(is_ok(get("/_matrix/client/v3/devices/PHONE"), 200, R"({"device_id":"PHONE"})"));
  EXPECT_TRUE(is_ok(put("PHONE", R"({"display_name":"x"})")));
  EXPECT_TRUE(is_challenge(remove("PHONE")));
}

TEST_P(Rows, R3_BulkDelete) {
  EXPECT_TRUE(is_challenge(remove_many(R"({"devices":["PHONE"]})")));
}

TEST_P(Rows, R4_VersionsOfThePath) {
  EXPECT_EQ(get("/_matrix/client/v3/devices").status, 200);
  EXPECT_EQ(get("/_matrix/client/r0/devices").status, 200);
  EXPECT_EQ(host.start({.target = "/_matrix/client/unstable/devices"}, 1), MXD_NOT_MINE);
}

TEST_P(Rows, R4_VersionsAreConfiguration) {
  host.config = R"({"path_versions":["v3","unstable"]})";
  EXPECT_EQ(get("/_matrix/client/unstable/devices").status, 200);
  EXPECT_EQ(host.start({.target = "/_matrix/client/r0/devices"}, 1), MXD_NOT_MINE);
}

TEST_P(Rows, R5_OptionsAskNothing) {
  const char* const targets[] = {kDevices, "/_matrix/client/v3/devices/PHONE",
                                 "/_matrix/client/r0/devices/%ff%", kDeleteDevices};
  for (const char* target : targets) {
    const auto answer = send({.method = "OPTIONS", .target = target});
    EXPECT_TRUE(is_ok(answer, 204, "")) << target;
    EXPECT_EQ(answer.header("Access-Control-Max-Age"), "86400") << target;
  }
  EXPECT_EQ(host.calls(), Names{}) << "OPTIONS must ask the host nothing";
  EXPECT_EQ(get(kDevices).header("Access-Control-Max-Age"), std::nullopt);
}

TEST_P(Rows, R6_HeadIsAsGet) {
  for (const std::string target :
       {kDevices, "/_matrix/client/v3/devices/PHONE", "/_matrix/client/v3/devices/NOSUCH"}) {
    const auto expected = get(target);
    const auto got = send({.method = "HEAD", .target = target, .token = kPhoneToken});
    EXPECT_EQ(got.status, expected.status) << target;
    EXPECT_EQ(got.body, expected.body) << "the host sends the length of what GET would have";
  }
}

TEST_P(Rows, R7_OtherMethods) {
  const struct {
    const char* method;
    const char* target;
    const char* allow;
  } cases[] = {
      {"PUT", kDevices, "GET, HEAD, OPTIONS"},
      {"get", kDevices, "GET, HEAD, OPTIONS"},
      {"", kDevices, "GET, HEAD, OPTIONS"},
      {"POST", "/_matrix/client/v3/devices/PHONE", "GET, HEAD, PUT, DELETE, OPTIONS"},
      {"delete", "/_matrix/client/v3/devices/PHONE", "GET, HEAD, PUT, DELETE, OPTIONS"},
      {"GET", kDeleteDevices, "POST, OPTIONS"},
      {"DELETE", kDeleteDevices, "POST, OPTIONS"},
      {"options", kDeleteDevices, "POST, OPTIONS"},
  };
  for (const auto& row : cases) {
    const auto response = send({.method = row.method, .target = row.target});
    EXPECT_TRUE(is_error(response, 405, "M_UNRECOGNIZED")) << row.method << " " << row.target;
    EXPECT_EQ(response.header("Allow"), row.allow);
  }
  EXPECT_EQ(host.calls(), Names{}) << "405 comes before authentication";
  EXPECT_EQ(get(kDevices).header("Allow"), std::nullopt);
}

TEST_P(Rows, R8_NotOurs) {
  const char* const targets[] = {
      "/_matrix/client/v3/devices/",
      "/_matrix/client/v3/devices/a/",
      "/_matrix/client/v3/devices/a/b",
      "/_matrix/client/v3/devices//",
      "/_matrix/client/v3/delete_devicesX",
      "/_matrix/client/v3/delete_devices/",
      "/_matrix/client/v3/%64evices",
      "/_matrix/client/v3/devices%2Fa",
      "/_matrix/client/%763/devices",
      "/_matrix/client/v3/Devices",
      "/_matrix/client//devices",
      "/_matrix/client/devices",
      "/_matrix/client/v3/devicesX",
      "/_matrix/client/v3//devices",
      "_matrix/client/v3/devices",
      "/x/_matrix/client/v3/devices",
      "/",
      "",
      "*",
  };
  for (const char* target : targets) {
    for (const char* method : {"GET", "OPTIONS", "BREW"}) {
      EXPECT_EQ(host.start({.method = method, .target = target, .token = kPhoneToken}, 1),
                MXD_NOT_MINE)
          << method << " " << target;
    }
  }
  EXPECT_EQ(host.calls(), Names{});
}

TEST_P(Rows, R8_DotsAreDeviceIds) {
  for (const char* id : {".", ".."}) {
    host.users[kAlice].devices[id] = {};
    EXPECT_TRUE(is_ok(get(std::string(kDevices) + "/" + id), 200,
                      std::string(R"({"device_id":")") + id + "\"}"));
  }
}

TEST_P(Rows, R9_DeviceIdIsDecodedOnce) {
  const struct {
    const char* raw;
    const char* id;
  } cases[] = {{"A%2FB", "A/B"}, {"A%20B", "A B"},       {"A%2525", "A%25"}, {"A+B", "A+B"},
               {"%41", "A"},     {"%C3%a9", "\xC3\xA9"}, {"A%3F%23", "A?#"}};
  for (const auto& row : cases) {
    host.users[kAlice].devices = {{row.id, {}}};
    const auto response = get(std::string(kDevices) + "/" + row.raw);
    EXPECT_EQ(response.status, 200) << row.raw << ": " << response;
    EXPECT_EQ(response.json().at("device_id").get_string(), row.id);
  }
}

TEST_P(Rows, R9_BrokenDeviceIdComesBeforeAuthentication) {
  for (const char* raw : {"%", "%4", "%4G", "A%zzB", "%FF", "%C3", "%C0%80", "%ED%A0%80"}) {
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
      const auto target = std::string(kDevices) + "/" + raw;
      EXPECT_TRUE(is_error(send({.method = method, .target = target}), 400, "M_INVALID_PARAM"))
          << method << " " << raw;
    }
  }
  EXPECT_EQ(host.calls(), Names{});
}

TEST_P(Rows, R10_IdsThatNothingCanOwn) {
  for (const std::string& id : {std::string("A%00B"), std::string(256, 'x')}) {
    host.forget_calls();
    EXPECT_TRUE(is_error(get(std::string(kDevices) + "/" + id), 404, "M_NOT_FOUND")) << id;
    EXPECT_TRUE(is_error(put(id, "{}"), 404, "M_NOT_FOUND")) << id;
    EXPECT_EQ(host.calls(), (Names{"authenticate", "authenticate"}));
    const auto challenge = remove(id);
    EXPECT_TRUE(is_challenge(challenge)) << id;
    EXPECT_TRUE(is_ok(remove(id, with_auth(password_stage(session_of(challenge)))))) << id;
    EXPECT_EQ(host.deleted, Names{}) << "an ID that nothing can own is no host's business";
  }
}

TEST_P(Rows, R10_LongestIdIsOrdinary) {
  const std::string id(255, 'x');
  host.users[kAlice].devices[id] = {};
  EXPECT_EQ(get(std::string(kDevices) + "/" + id).status, 200);
}

TEST_P(Rows, R11_ParametersGivenTwiceOrBroken) {
  const char* const queries[] = {
      "user_id=a&user_id=a",
      "device_id=a&x=1&device_id=b",
      "access_token=a&access_token=a",
      "org.matrix.msc3202.device_id=a&org.matrix.msc3202.device_id=a",
      "user_id=%4",
      "device_id=%zz",
      "access_token=%",
      "user%5Fid=a&user_id=a",
      "user_id=%FF",
      "device_id=%FF",
      "org.matrix.msc3202.device_id=%FF",
      "access_token=%FF",
      "user_id=%00",
      "device_id=a%00b",
      "org.matrix.msc3202.device_id=%00",
  };
  for (const char* query : queries) {
    const auto response =
        send({.target = std::string(kDevices) + "?" + query, .token = kPhoneToken});
    EXPECT_TRUE(is_error(response, 400, "M_INVALID_PARAM")) << query;
  }
  EXPECT_EQ(host.calls(), Names{}) << "R11 comes before authentication";
}

TEST_P(Rows, R11_OtherParametersDoNotMatter) {
  EXPECT_EQ(get(std::string(kDevices) + "?x=%&x=%zz&&=&=a&%").status, 200);
}

TEST_P(Rows, R11_PlusIsASpaceInTheQuery) {
  get(std::string(kDevices) + "?user_id=a+b%2Bc&device_id=%41+", kServiceToken);
  EXPECT_EQ(host.credentials_user_id, "a b+c");
  EXPECT_EQ(host.credentials_device_id, "A ");
}

TEST_P(Rows, R12_ErrorsHaveTheHeadersToo) {
  EXPECT_TRUE(is_error(get(kDevices, ""), 401, "M_MISSING_TOKEN"));
  EXPECT_TRUE(is_error(send({.method = "BREW", .target = kDevices}), 405, "M_UNRECOGNIZED"));
}

TEST_P(Rows, R13_AbsoluteFormOfTheTarget) {
  for (const char* origin :
       {"http://example.org", "HTTPS://example.org:8448", "hTTp://", "http://u@[::1]:1"}) {
    EXPECT_EQ(get(std::string(origin) + kDevices).status, 200) << origin;
    EXPECT_TRUE(is_ok(get(std::string(origin) + kDevices + "/PHONE?x=http://a/b"), 200,
                      R"({"device_id":"PHONE"})"))
        << origin;
  }
  for (const char* target :
       {"http://example.org", "http://example.org?/_matrix/client/v3/devices",
        "ftp://example.org/_matrix/client/v3/devices", "example.org/_matrix/client/v3/devices"}) {
    EXPECT_EQ(host.start({.target = target}, 1), MXD_NOT_MINE) << target;
  }
}

TEST_P(Rows, R13_TheHostSeesAPrintableTarget) {
  const std::string target = "http://example.org" + std::string(kDevices) +
                             std::string("/A\0 \x7F\xC3\xA9?x=\xFF\t&y=%zz", 18);
  const auto challenge = send({.method = "DELETE", .target = target, .token = kPhoneToken});
  EXPECT_TRUE(is_challenge(challenge));
  EXPECT_EQ(host.sessions.at(session_of(challenge)).target,
            std::string(kDevices) + "/A%00%20%7F\xC3\xA9?x=%FF%09&y=%zz");
}

// ---- L2, L3 ----

TEST_P(Rows, L2_BodyTooLarge) {
  host.config = R"({"max_body_bytes":1024})";
  EXPECT_EQ(host.module().max_body_bytes(host.instance()), 1024u);
  const std::string fits = R"({"display_name":"x"})" + std::string(1024 - 20, ' ');
  ASSERT_EQ(fits.size(), 1024u);
  EXPECT_TRUE(is_ok(put("PHONE", fits)));
  EXPECT_TRUE(is_error(put("PHONE", fits + " "), 413, "M_TOO_LARGE"));
  EXPECT_TRUE(is_error(put("PHONE", std::string(1025, '{')), 413, "M_TOO_LARGE")) << "not parsed";
}

TEST_P(Rows, L2_BodyThatTheHostStoppedReading) {
  Request request{.method = "POST", .target = kDeleteDevices, .token = kPhoneToken};
  request.flags = MXD_REQUEST_BODY_TOO_LARGE;
  EXPECT_TRUE(is_error(send(request), 413, "M_TOO_LARGE"));
  request.token = "secret-token-unknown";
  EXPECT_TRUE(is_error(send(request), 401, "M_UNKNOWN_TOKEN")) << "authentication comes first";
}

std::string nested(int levels) {  // arrays within one object
  return R"({"display_name":"x","a":)" + std::string(levels - 1, '[') +
         std::string(levels - 1, ']') + "}";
}

TEST_P(Rows, L3_Configured) {
  host.config = R"({"max_json_depth":4})";
  EXPECT_TRUE(is_ok(put("PHONE", R"({"a":[[[]]]})")));
  EXPECT_TRUE(is_error(put("PHONE", R"({"a":[[[[]]]]})"), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(remove("PHONE", R"({"a":[[[[]]]]})"), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(remove_many(R"({"devices":[],"a":[[[[]]]]})"), 400, "M_BAD_JSON"));
}

// {"display_name":"x","k1":0,…}
std::string with_members(int members) {
  std::string text = R"({"display_name":"x")";
  for (int i = 1; i < members; ++i)
    text += ",\"k" + std::to_string(i) + "\":0";
  return text + "}";
}

TEST_P(Rows, L3_TooManyMembers) {
  EXPECT_TRUE(is_ok(put("PHONE", with_members(128))));
  EXPECT_TRUE(is_error(put("PHONE", with_members(129)), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(put("PHONE", with_members(65'536)), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(remove("PHONE", R"({"auth":)" + with_members(129) + "}"), 400, "M_BAD_JSON"))
      << "nested";
  EXPECT_TRUE(
      is_error(remove_many(R"({"devices":[],"a":)" + with_members(129) + "}"), 400, "M_BAD_JSON"));
}

TEST_P(Rows, L3_MembersConfigured) {
  host.config = R"({"max_json_members":8})";
  EXPECT_TRUE(is_ok(put("PHONE", with_members(8))));
  EXPECT_TRUE(is_error(put("PHONE", with_members(9)), 400, "M_BAD_JSON"));
}

TEST_P(Rows, L3_NestedTooDeep) {
  EXPECT_TRUE(is_ok(put("PHONE", nested(32))));
  EXPECT_TRUE(is_error(put("PHONE", nested(33)), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(put("PHONE", nested(100'000)), 400, "M_BAD_JSON"));
}

}  // namespace
}  // namespace mxd::test
