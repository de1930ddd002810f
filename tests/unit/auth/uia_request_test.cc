#include "module/auth/uia_request.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <string>

#include "module/http/json_body.h"

namespace mxd::auth {
namespace {

class UiaRequestTest : public testing::Test {
 protected:
  boost::json::object& body(std::string_view text) {
    const auto parsed = http::parse_object(arena, text, http::EmptyBody::kRefused);
    if (!parsed) throw std::runtime_error("the test's own body is bad");
    return **parsed;
  }

  // The errcode for the stage's data, or nothing where it is complete.
  std::string check(const std::string& auth) {
    const auto taken = take_auth(arena, body("{\"auth\":" + auth + "}"));
    if (!taken) return "take_auth: " + std::string(taken.error()->errcode);
    const auto* error = check_stage_data(*taken);
    return error == nullptr ? "" : std::string(error->errcode);
  }

  memory::Arena arena;
};

TEST_F(UiaRequestTest, TakesAuthOutOfTheBody) {
  auto& given = body(R"({"a":1,"auth":{"session":"s","type":"t","x":2},"b":2})");
  const auto taken = take_auth(arena, given);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->session, "s");
  EXPECT_EQ(taken->type, "t");
  EXPECT_EQ(taken->auth->size(), 3u);
  EXPECT_EQ(http::serialize(arena, given).find("auth"), std::string::npos)
      << http::serialize(arena, given);
  EXPECT_EQ(given.size(), 2u);
}

TEST_F(UiaRequestTest, NoneAndNull) {
  for (const char* text : {"{}", R"({"auth":null})"}) {
    auto& given = body(text);
    const auto taken = take_auth(arena, given);
    ASSERT_TRUE(taken) << text;
    EXPECT_EQ(taken->auth, nullptr) << text;
    EXPECT_EQ(taken->session, std::nullopt) << text;
    EXPECT_EQ(taken->type, std::nullopt) << text;
    EXPECT_TRUE(given.empty()) << text;
  }
}

TEST_F(UiaRequestTest, NullMembersAreAbsentAndEmptyOnesAreNot) {
  const auto nulls = take_auth(arena, body(R"({"auth":{"session":null,"type":null}})"));
  ASSERT_TRUE(nulls);
  EXPECT_NE(nulls->auth, nullptr);
  EXPECT_EQ(nulls->session, std::nullopt);
  EXPECT_EQ(nulls->type, std::nullopt);
  const auto empty = take_auth(arena, body(R"({"auth":{"session":"","type":""}})"));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->session, "");
  EXPECT_EQ(empty->type, "");
}

TEST_F(UiaRequestTest, WrongTypes) {
  for (const char* text :
       {R"({"auth":1})", R"({"auth":"x"})", R"({"auth":[]})", R"({"auth":false})",
        R"({"auth":{"session":1}})", R"({"auth":{"type":[]}})", R"({"auth":{"session":{}}})"}) {
    const auto taken = take_auth(arena, body(text));
    ASSERT_FALSE(taken) << text;
    EXPECT_EQ(taken.error()->errcode, "M_BAD_JSON") << text;
  }
}

TEST_F(UiaRequestTest, CompleteStageData) {
  const char* const stages[] = {
      R"({"type":"m.login.password","password":"","user":""})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.user","user":"a"}})",
      R"({"type":"m.login.password","password":"x","identifier":null,"user":"a"})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.thirdparty",)"
      R"("medium":"email","address":"a"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.phone",)"
      R"("country":"GB","phone":"1"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"x.other"}})",
      R"({"type":"m.login.registration_token","token":"x"})",
      R"({"type":"m.login.recaptcha","response":"x"})",
      R"({"type":"m.login.email.identity","threepid_creds":{}})",
      R"({"type":"m.login.msisdn","threepid_creds":{}})",
      R"({"type":"m.login.dummy"})",
      R"({"type":"m.login.terms"})",
      R"({"type":"m.login.sso"})",
      R"({"type":"x.custom","anything":[1]})",
  };
  for (const char* auth : stages)
    EXPECT_EQ(check(auth), "") << auth;
}

TEST_F(UiaRequestTest, IncompleteStageData) {
  const char* const stages[] = {
      R"({"type":"m.login.password"})",
      R"({"type":"m.login.password","password":1,"user":"a"})",
      R"({"type":"m.login.password","password":"x","user":null})",
      R"({"type":"m.login.password","password":"x","identifier":{},"user":"a"})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.user"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.thirdparty",)"
      R"("medium":"email"}})",
      R"({"type":"m.login.password","password":"x","identifier":{"type":"m.id.phone",)"
      R"("country":1,"phone":"1"}})",
      R"({"type":"m.login.registration_token","token":1})",
      R"({"type":"m.login.recaptcha"})",
      R"({"type":"m.login.email.identity","threepid_creds":[]})",
      R"({"type":"m.login.msisdn"})",
  };
  for (const char* auth : stages)
    EXPECT_EQ(check(auth), "M_BAD_JSON") << auth;
}

}  // namespace
}  // namespace mxd::auth
