// Rows D: what is deleted, and by whom. How users prove who they are: auth/.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

TEST_P(Rows, D1_UserProvesWhoTheyAreFirst) {
  const auto challenge = remove("PHONE");
  EXPECT_TRUE(is_challenge(challenge));
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session_of(challenge))))));
  EXPECT_EQ(host.deleted, Names{"PHONE"});
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "TABLET"}));
}

TEST_P(Rows, D2_ServicesProveNothing) {
  EXPECT_TRUE(is_ok(remove("IRC?user_id=@irc_carol:test", "", kServiceToken)));
  EXPECT_EQ(devices_of(kCarol), Names{});
  EXPECT_TRUE(is_ok(remove_many(R"({"devices":["BRIDGE"]})", kServiceToken)));
  EXPECT_EQ(devices_of("@bridge:test"), Names{});
  EXPECT_EQ(host.calls(),
            (Names{"authenticate", "delete_devices", "authenticate", "delete_devices"}));
}

TEST_P(Rows, D2_ServicesOfAnOauthServer) {
  host.tokens[kServiceToken].flags = MXD_PRINCIPAL_OAUTH;
  EXPECT_TRUE(is_ok(remove("BRIDGE", "", kServiceToken)));
  EXPECT_TRUE(is_ok(remove_many(R"({"devices":[]})", kServiceToken)));
}

TEST_P(Rows, D3_OauthTokensDeleteNothing) {
  EXPECT_TRUE(is_error(remove("TABLET", "not JSON", kOauthToken), 404, "M_UNRECOGNIZED"));
  EXPECT_TRUE(is_error(remove_many("not JSON", kOauthToken), 404, "M_UNRECOGNIZED"));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "authenticate"}));
  EXPECT_TRUE(is_challenge(remove("TABLET"))) << "a legacy token goes on working";
  EXPECT_EQ(get(kDevices, kOauthToken).status, 200);
}

TEST_P(Rows, D3_AccountManagementUrl) {
  host.config = R"({"account_management_url":"https://example.org/account?a=1"})";
  const auto one = remove("A%26B", "", kOauthToken).json().at("error").get_string();
  const std::string url =
      "https://example.org/account?a=1&action=org.matrix.device_delete&device_id=A%26B";
  EXPECT_NE(one.find(url), one.npos) << one;
  const auto many = remove_many("{}", kOauthToken).json().at("error").get_string();
  EXPECT_NE(many.find("https://example.org/account?a=1"), many.npos) << many;
}

TEST_P(Rows, D4_DeviceThatIsNotThere) {
  for (const char* id : {"NOSUCH", "BOBPHONE"}) {
    const auto challenge = remove(id);
    EXPECT_TRUE(is_challenge(challenge));
    EXPECT_TRUE(is_ok(remove(id, with_auth(password_stage(session_of(challenge)))))) << id;
  }
  EXPECT_EQ(devices_of(kBob), Names{"BOBPHONE"});
}

TEST_P(Rows, D5_BodiesThatStandForAnEmptyObject) {
  for (const char* body : {"", " \r\n\t", "null", " null ", "{}"})
    EXPECT_TRUE(is_challenge(remove("PHONE", body))) << body;
}

TEST_P(Rows, D6_BadBodiesOfDelete) {
  EXPECT_TRUE(is_error(remove("PHONE", "x"), 400, "M_NOT_JSON"));
  EXPECT_TRUE(is_error(remove("PHONE", "\xFF"), 400, "M_NOT_JSON"));
  for (const char* body : {"[]", "1", "\"x\"", "false", R"({"a":1,"a":1})"})
    EXPECT_TRUE(is_error(remove("PHONE", body), 400, "M_BAD_JSON")) << body;
  EXPECT_TRUE(is_error(remove("BRIDGE", "[]", kServiceToken), 400, "M_BAD_JSON"));
}

TEST_P(Rows, D7_BadLists) {
  const struct {
    const char* body;
    const char* errcode;
  } cases[] = {
      {"", "M_NOT_JSON"},
      {" ", "M_NOT_JSON"},
      {"x", "M_NOT_JSON"},
      {"null", "M_BAD_JSON"},
      {"[]", "M_BAD_JSON"},
      {"{}", "M_BAD_JSON"},
      {R"({"devices":null})", "M_BAD_JSON"},
      {R"({"devices":"PHONE"})", "M_BAD_JSON"},
      {R"({"devices":{"0":"PHONE"}})", "M_BAD_JSON"},
      {R"({"devices":[1]})", "M_BAD_JSON"},
      {R"({"devices":["PHONE",null]})", "M_BAD_JSON"},
      {R"({"devices":[["PHONE"]]})", "M_BAD_JSON"},
      {R"({"device":["PHONE"]})", "M_BAD_JSON"},
      {R"({"auth":{}})", "M_BAD_JSON"},
      {R"({"auth":null})", "M_BAD_JSON"},
  };
  for (const auto& row : cases) {
    EXPECT_TRUE(is_error(remove_many(row.body), 400, row.errcode)) << row.body;
    EXPECT_TRUE(is_error(remove_many(row.body, kServiceToken), 400, row.errcode)) << row.body;
  }
  EXPECT_TRUE(host.sessions.empty()) << "a bad list comes before any challenge";
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, D7_NothingButAuthOfNoUse) {
  const auto alone = with_auth(session_alone("secret-unknown"));
  EXPECT_TRUE(is_error(remove_many(alone), 400, "M_BAD_JSON")) << "no such session";
  EXPECT_TRUE(is_error(remove_many(alone, kServiceToken), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(""))), 400, "M_BAD_JSON"))
      << "no session";
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(
      is_error(remove_many(with_auth(session_alone(session)), kBobToken), 400, "M_BAD_JSON"))
      << "a session of somebody else";
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, D8_EmptyListDeletesNothing) {
  const auto challenge = remove_many(R"({"devices":[]})");
  EXPECT_TRUE(is_challenge(challenge));
  EXPECT_TRUE(
      is_ok(remove_many(with_auth(password_stage(session_of(challenge)), R"("devices":[])"))));
  EXPECT_EQ(host.deleted, Names{});
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "PHONE", "TABLET"}));
}

TEST_P(Rows, D9_DuplicatesAndStrangers) {
  const Names ids = {"PHONE", "NOSUCH", "PHONE", "BOBPHONE", "", "PHONE"};
  const auto session = begin(ids);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of(ids)))));
  EXPECT_EQ(host.deleted, (Names{"BOBPHONE", "NOSUCH", "PHONE"})) << "each once";
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "TABLET"}));
  EXPECT_EQ(devices_of(kBob), Names{"BOBPHONE"});
}

TEST_P(Rows, D10_TwentyThousandInOneOperation) {
  Names ids;
  for (int i = 0; i < 20'000; ++i)
    ids.push_back("DEVICE" + std::to_string(i));
  const auto session = begin(ids);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of(ids)))));
  EXPECT_EQ(host.deletions, 1);
  EXPECT_EQ(host.deleted.size(), 20'000u);
}

TEST_P(Rows, D11_OwnDevice) {
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of({"PHONE"})))));
  EXPECT_TRUE(is_error(get(kDevices), 401, "M_UNKNOWN_TOKEN")) << "its token is dead";
}

TEST_P(Rows, D12_OneDeletionForThoseThatAreThere) {
  // What goes with a device is the host's; that it is asked once, and for the owner, is not.
  const auto session = begin({"LAPTOP", "TABLET"});
  EXPECT_TRUE(
      is_ok(remove_many(with_auth(password_stage(session), deletion_of({"LAPTOP", "TABLET"})))));
  EXPECT_EQ(host.deletions, 1);
  EXPECT_EQ(devices_of(kAlice), Names{"PHONE"});
  EXPECT_EQ(host.tokens.count(kLaptopToken), 0u);
}

TEST_P(Rows, D13_SameRequestAgain) {
  const auto session = begin({"LAPTOP"});
  const auto body = with_auth(password_stage(session), deletion_of({"LAPTOP"}));
  EXPECT_TRUE(is_ok(remove_many(body)));
  EXPECT_TRUE(is_ok(remove_many(body)));
  EXPECT_EQ(host.deletions, 2) << "it is repeated: the host's deletion is idempotent";
  EXPECT_EQ(devices_of(kAlice), (Names{"PHONE", "TABLET"}));
}

}  // namespace
}  // namespace mxd::test
