#include "module/auth/uia_request.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
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

std::string text_of(const UiaRequest& request) {
  return boost::json::serialize(*request.auth);
}

TEST_F(UiaRequestTest, U2_NullMembersAreLeftOutAtAnyDepth) {
  const auto taken = take_auth(arena, body(R"({"auth":{"type":"x","a":null,"b":{"c":null,"d":1},)"
                                           R"("identifier":{"user":null,"e":{"f":null}}}})"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(boost::json::parse(text_of(*taken)),
            boost::json::parse(R"({"type":"x","b":{"d":1},"identifier":{"e":{}}})"));
}

TEST_F(UiaRequestTest, U19_OldUserBecomesAnIdentifier) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":"m.login.password","user":"a"})",
       R"({"type":"m.login.password","identifier":{"type":"m.id.user","user":"a"}})"},
      {R"({"type":"m.login.password","user":"a","identifier":null})",
       R"({"type":"m.login.password","identifier":{"type":"m.id.user","user":"a"}})"},
      {R"({"type":"x","user":"a"})", R"({"type":"x","user":"a"})"},
      {R"({"user":"a"})", R"({"user":"a"})"},
  };
  for (const auto& [given, becomes] : cases) {
    const auto taken = take_auth(arena, body("{\"auth\":" + std::string(given) + "}"));
    ASSERT_TRUE(taken) << given;
    EXPECT_EQ(boost::json::parse(text_of(*taken)), boost::json::parse(becomes)) << given;
  }
}

}  // namespace
}  // namespace mxd::auth
