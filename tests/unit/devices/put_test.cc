// Rows P: rename, or create by an application service.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

std::string named(const std::string& name) {
  return R"({"display_name":")" + name + "\"}";
}

TEST_P(Rows, P1_Rename) {
  EXPECT_TRUE(is_ok(put("PHONE", named("x"))));
  EXPECT_EQ(host.users[kAlice].devices["PHONE"].display_name, "x");
  EXPECT_EQ(host.calls(), (Names{"authenticate", "rename_device"}));
}

TEST_P(Rows, P2_NoNameChangesNothing) {
  for (const char* body : {"{}", R"({"display_name":null})"}) {
    EXPECT_TRUE(is_ok(put("LAPTOP", body))) << body;
    EXPECT_EQ(host.users[kAlice].devices["LAPTOP"].display_name, "Alice's laptop") << body;
  }
}

TEST_P(Rows, P3_EmptyName) {
  EXPECT_TRUE(is_ok(put("LAPTOP", named(""))));
  EXPECT_EQ(host.users[kAlice].devices["LAPTOP"].display_name, "");
}

TEST_P(Rows, P4_UnknownDevice) {
  for (const std::string body : {"{}", R"({"display_name":null})", R"({"display_name":"x"})"}) {
    EXPECT_TRUE(is_error(put("NOSUCH", body), 404, "M_NOT_FOUND")) << body;
    EXPECT_TRUE(is_error(put("BOBPHONE", body), 404, "M_NOT_FOUND")) << body;
  }
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "PHONE", "TABLET"}));
}

TEST_P(Rows, P4_ServiceOfAHostThatCreatesNothing) {
  host.table.put_device = nullptr;
  EXPECT_TRUE(is_error(put("NEW", "{}", kServiceToken), 404, "M_NOT_FOUND"));
  EXPECT_TRUE(is_ok(put("BRIDGE", named("x"), kServiceToken)));
}

TEST_P(Rows, P5_ServiceCreates) {
  const std::string id = "NEW?user_id=@irc_carol:test";
  EXPECT_TRUE(is_ok(put(id, named("new"), kServiceToken), 201));
  EXPECT_EQ(host.users[kCarol].devices["NEW"].display_name, "new");
  EXPECT_TRUE(is_ok(put(id, "{}", kServiceToken), 200));
  EXPECT_EQ(host.users[kCarol].devices["NEW"].display_name, "new");
}

TEST_P(Rows, P5_ServiceCreatesWithoutAName) {
  EXPECT_TRUE(is_ok(put("NEW", "{}", kServiceToken), 201));
  EXPECT_EQ(host.users["@bridge:test"].devices["NEW"].display_name, std::nullopt);
}

TEST_P(Rows, P7_OverTheCap) {
  host.config = R"({"max_devices_per_user":2,"user_limit_info_uri":"https://example.org/limit"})";
  EXPECT_TRUE(is_ok(put("SECOND", "{}", kServiceToken), 201));
  const auto refused = put("THIRD", "{}", kServiceToken);
  EXPECT_TRUE(is_error(refused, 403, "M_USER_LIMIT_EXCEEDED"));
  EXPECT_EQ(refused.json().at("info_uri").get_string(), "https://example.org/limit");
  EXPECT_TRUE(is_ok(put("SECOND", named("x"), kServiceToken))) << "a rename is never refused";
  EXPECT_EQ(host.max_devices_asked, 2u);
}

TEST_P(Rows, P7_WithoutAUri) {
  host.config = R"({"max_devices_per_user":1})";
  const auto refused = put("SECOND", "{}", kServiceToken);
  EXPECT_TRUE(is_error(refused, 403, "M_USER_LIMIT_EXCEEDED"));
  EXPECT_FALSE(refused.json().contains("info_uri")) << refused;
}

TEST_P(Rows, P8_IdsThatCannotBeCreated) {
  for (const std::string& id : {std::string(256, 'x'), std::string("A%0AB"), std::string("%00"),
                                std::string("%1F"), std::string("%7F")}) {
    EXPECT_TRUE(is_error(put(id, "{}", kServiceToken), 400, "M_INVALID_PARAM")) << id;
  }
  EXPECT_EQ(devices_of("@bridge:test"), Names{"BRIDGE"});
  EXPECT_TRUE(is_ok(put(std::string(255, 'x'), "{}", kServiceToken), 201));
  EXPECT_TRUE(is_ok(put("%C2%80%20", "{}", kServiceToken), 201)) << "U+0080 is none of them";
}

TEST_P(Rows, P9_NameTooLong) {
  std::string hundred;
  for (int i = 0; i < 100; ++i)
    hundred += "\xF0\x9F\x93\xB1";  // one code point, four bytes
  EXPECT_TRUE(is_ok(put("PHONE", named(hundred))));
  EXPECT_TRUE(is_error(put("PHONE", named(hundred + "x")), 400, "M_TOO_LARGE"));
  EXPECT_EQ(host.users[kAlice].devices["PHONE"].display_name, hundred) << "nothing changed";
}

TEST_P(Rows, P9_EscapedPairsCountOnce) {
  std::string hundred;
  for (int i = 0; i < 100; ++i)
    hundred += R"(\ud83d\udcf1)";
  EXPECT_TRUE(is_ok(put("PHONE", named(hundred))));
  EXPECT_TRUE(is_error(put("PHONE", named(hundred + R"(\u0041)")), 400, "M_TOO_LARGE"));
}

TEST_P(Rows, P9_LimitIsConfiguration) {
  host.config = R"({"max_display_name_length":3})";
  EXPECT_TRUE(is_ok(put("PHONE", named("abc"))));
  EXPECT_TRUE(is_error(put("PHONE", named("abcd")), 400, "M_TOO_LARGE"));
}

TEST_P(Rows, P13_NulInTheName) {
  EXPECT_TRUE(is_error(put("PHONE", named(R"(a\u0000b)")), 400, "M_INVALID_PARAM"));
  EXPECT_TRUE(is_error(put("NEW", named(R"(\u0000)"), kServiceToken), 400, "M_INVALID_PARAM"));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "authenticate"})) << "nothing changed";
  EXPECT_TRUE(is_ok(put("PHONE", R"({"other":"\u0000"})"))) << "other keys don't matter";
}

TEST_P(Rows, P10_OfSeveralFaultsTheFirstThatIsMet) {
  EXPECT_TRUE(is_error(put("PHONE", R"({"a":1,"a":2)"), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_error(put("PHONE", "{\"a\":\"\xFF\",\"a\":2}"), 400, "M_NOT_JSON"));
  EXPECT_TRUE(is_error(put("PHONE", R"({"a":"\udc00",})"), 400, "M_BAD_JSON"));
}

TEST_P(Rows, P10_BadBodies) {
  const struct {
    std::string body;
    const char* errcode;
  } cases[] = {
      {"", "M_NOT_JSON"},
      {"  \n", "M_NOT_JSON"},
      {"x", "M_NOT_JSON"},
      {"{", "M_NOT_JSON"},
      {"{}{}", "M_NOT_JSON"},
      {"{} x", "M_NOT_JSON"},
      {R"({"display_name":"a",})", "M_NOT_JSON"},
      {R"({'display_name':'a'})", "M_NOT_JSON"},
      {"{\"display_name\":\"a\nb\"}", "M_NOT_JSON"},
      {R"({"display_name":NaN})", "M_NOT_JSON"},
      {"\xEF\xBB\xBF{}", "M_NOT_JSON"},
      {std::string("{}\0", 3), "M_NOT_JSON"},
      {"{\"display_name\":\"\xFF\"}", "M_NOT_JSON"},
      {"{\"display_name\":\"\xC0\x80\"}", "M_NOT_JSON"},
      {"{\"display_name\":\"\xED\xA0\x80\"}", "M_NOT_JSON"},
      {"{\"\xC3\":1}", "M_NOT_JSON"},
      {"null", "M_BAD_JSON"},
      {"[]", "M_BAD_JSON"},
      {"\"x\"", "M_BAD_JSON"},
      {"1", "M_BAD_JSON"},
      {R"({"display_name":1})", "M_BAD_JSON"},
      {R"({"display_name":true})", "M_BAD_JSON"},
      {R"({"display_name":["x"]})", "M_BAD_JSON"},
      {R"({"display_name":{}})", "M_BAD_JSON"},
      {R"({"display_name":"a","display_name":"a"})", "M_BAD_JSON"},
      {R"({"display_name":"a","display\u005fname":"b"})", "M_BAD_JSON"},
      {R"({"x":[{"a":1,"a":2}]})", "M_BAD_JSON"},
      {R"({"display_name":"\ud83d"})", "M_BAD_JSON"},
      {R"({"display_name":"\udcf1x"})", "M_BAD_JSON"},
      {R"({"display_name":"\ud83d\u0041"})", "M_BAD_JSON"},
      {R"({"\ud83d":1})", "M_BAD_JSON"},
  };
  for (const auto& row : cases)
    EXPECT_TRUE(is_error(put("PHONE", row.body), 400, row.errcode)) << row.body;
  EXPECT_EQ(host.users[kAlice].devices["PHONE"].display_name, std::nullopt);
}

TEST_P(Rows, P11_UnknownKeysAreIgnored) {
  EXPECT_TRUE(is_ok(put("PHONE", R"({"display_name":"x","last_seen_ip":"203.0.113.1",)"
                                 R"("last_seen_ts":1,"device_id":"Y","auth":7})")));
  EXPECT_EQ(host.users[kAlice].devices["PHONE"].last_seen_ip, std::nullopt);
}

TEST_P(Rows, P12_RenameChangesNothingElse) {
  EXPECT_TRUE(is_ok(put("LAPTOP", named("new"))));
  const auto& laptop = host.users[kAlice].devices["LAPTOP"];
  EXPECT_EQ(laptop.last_seen_ip, "192.0.2.7");
  EXPECT_EQ(laptop.last_seen_ts, 1'699'999'999'000);
}

}  // namespace
}  // namespace mxd::test
