// POST /register: T6 and T8 of docs/accounts.md.
#include "tests/server/account_test.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

class RegisterTest : public AccountTest {
 protected:
  RegisterTest() { context.open_registration = true; }

  Response post_register(const json::object& body, std::string_view address = "192.0.2.1") {
    return post("register", body, address);
  }
  std::string begin(const json::object& body) {
    const Response challenge = post_register(body);
    EXPECT_EQ(challenge.status, 401U) << challenge.body;
    EXPECT_EQ(text_of(challenge, "errcode"), "");
    return text_of(challenge, "session");
  }
  static json::object dummy(const std::string& session) {
    return {{"type", "m.login.dummy"}, {"session", session}};
  }
};

TEST_F(RegisterTest, T8_TheFirstRequestIsRemembered) {
  const std::string session = begin({{"username", "Alice"}, {"password", "x"}, {"device_id", "D"}});
  const Response done = post_register({{"auth", dummy(session)}});
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(text_of(done, "user_id"), "@alice:example.org");
  EXPECT_EQ(text_of(done, "device_id"), "D");
}

TEST_F(RegisterTest, T8_WhatALaterRequestSaysCounts) {
  const std::string session = begin({{"username", "alice"}, {"password", "x"}});
  const Response done =
      post_register({{"username", "bob"}, {"inhibit_login", true}, {"auth", dummy(session)}});
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(text_of(done, "user_id"), "@bob:example.org");
  EXPECT_EQ(text_of(done, "access_token"), "");
}

TEST_F(RegisterTest, T8_ASessionRegistersOneAccount) {
  const std::string session = begin({{"username", "alice"}, {"password", "x"}});
  ASSERT_EQ(post_register({{"auth", dummy(session)}}).status, 200U);
  for (const char* const name : {"alice", "bob"}) {
    const Response again =
        post_register({{"username", name}, {"password", "x"}, {"auth", dummy(session)}});
    EXPECT_EQ(again.status, 401U) << again.body;
    EXPECT_EQ(text_of(again, "errcode"), "M_FORBIDDEN");
    EXPECT_NE(text_of(again, "session"), session);
  }
}

TEST_F(RegisterTest, T8_ASessionThatWasNeverGivenIsRefusedWithAnother) {
  for (const char* const session : {"made-up", ""}) {
    const json::object body{{"username", "alice"}, {"password", "x"}, {"auth", dummy(session)}};
    const Response refused = post_register(body);
    EXPECT_EQ(refused.status, 401U) << refused.body;
    EXPECT_EQ(text_of(refused, "errcode"), "M_FORBIDDEN");
    ASSERT_NE(text_of(refused, "session"), session);
    if (*session != '\0') continue;
    EXPECT_EQ(post_register({{"auth", dummy(text_of(refused, "session"))}}).status, 200U)
        << "the new one works, with what was sent";
  }
}

// It is of another server on the same database, or this one was started again.
TEST_F(RegisterTest, T8_ASessionOfAnotherServerIsAsNone) {
  RegistrationSessions other;
  const std::string session = other.begin("{}", std::chrono::steady_clock::now());
  const Response lacking = post_register({{"username", "alice"}, {"auth", dummy(session)}});
  EXPECT_EQ(lacking.status, 401U) << "nothing is remembered here: " << lacking.body;
  EXPECT_EQ(text_of(lacking, "errcode"), "M_FORBIDDEN");
  const Response registered =
      post_register({{"username", "alice"}, {"password", "x"}, {"auth", dummy(session)}});
  EXPECT_EQ(registered.status, 200U) << registered.body;
}

TEST_F(RegisterTest, T8_ASessionThatRegisteredNobodyGoesOn) {
  const std::string taken = begin({{"username", "alice"}, {"password", "x"}});
  ASSERT_EQ(post_register({{"auth", dummy(taken)}}).status, 200U);
  const std::string session = begin({{"username", "alice"}, {"password", "x"}});
  const Response refused = post_register({{"auth", dummy(session)}});
  EXPECT_EQ(text_of(refused, "errcode"), "M_USER_IN_USE");
  const Response other = post_register({{"auth", {{"type", "m.login.sso"}, {"session", session}}}});
  EXPECT_EQ(text_of(other, "errcode"), "M_FORBIDDEN");
  EXPECT_EQ(text_of(other, "session"), session);
  const Response state = post_register({{"auth", {{"session", session}}}});
  EXPECT_EQ(state.status, 401U);
  EXPECT_EQ(text_of(state, "errcode"), "");
  EXPECT_EQ(text_of(state, "session"), session);
  EXPECT_EQ(post_register({{"username", "bob"}, {"auth", dummy(session)}}).status, 200U);
}

TEST_F(RegisterTest, T8_TwoRequestsAtOnceRegisterOneAccount) {
  const std::string session = begin({{"password", "x"}});
  const std::string a = json::serialize(json::object{{"username", "a"}, {"auth", dummy(session)}});
  const std::string b = json::serialize(json::object{{"username", "b"}, {"auth", dummy(session)}});
  Recorded first("POST", "/_matrix/client/v3/register", a);
  Recorded second("POST", "/_matrix/client/v3/register", b);
  serve_account_endpoint(context, first);
  serve_account_endpoint(context, second);
  EXPECT_EQ(first.answer().status + second.answer().status, 200U + 401U);
}

TEST_F(RegisterTest, T8_ALargeRequestIsToBeSentAgain) {
  const std::string session = begin({{"username", "alice"}, {"password", std::string(5000, 'x')}});
  const Response refused = post_register({{"auth", dummy(session)}});
  EXPECT_EQ(text_of(refused, "errcode"), "M_MISSING_PARAM");
  EXPECT_EQ(
      post_register(
          {{"username", "alice"}, {"password", std::string(5000, 'x')}, {"auth", dummy(session)}})
          .status,
      200U);
}

TEST_F(RegisterTest, CredentialsWithoutASessionAreTriedAtOnce) {
  const json::object body{
      {"username", "alice"}, {"password", "x"}, {"auth", {{"type", "m.login.dummy"}}}};
  EXPECT_EQ(post_register(body).status, 200U);
}

TEST_F(RegisterTest, T6_IsLimitedByAddress) {
  int challenges = 0;
  for (int i = 0; i < 40; ++i)
    challenges += post_register({}, "2001:db8::" + std::to_string(i)).status == 401;
  EXPECT_EQ(challenges, 30);
  const Response limited = post_register({}, "2001:db8::1");
  EXPECT_EQ(limited.status, 429U);
  EXPECT_EQ(json_of(limited).at("retry_after_ms").as_int64() > 9000, true) << limited.body;
  const json::object body{
      {"username", "alice"}, {"password", "x"}, {"auth", {{"type", "m.login.dummy"}}}};
  EXPECT_EQ(post_register(body, "2001:db8::2").status, 429U);
  EXPECT_EQ(answer("POST", "/_matrix/client/v3/register?kind=guest", "{}", "2001:db8::3").status,
            429U);
  EXPECT_EQ(post_register(body, "192.0.2.77").status, 200U) << "somebody else";
}

// A client that does both steps has as many accounts of its address as one that does them at once.
TEST_F(RegisterTest, T6_AChallengeCoversItsRegistration) {
  const std::string session = begin({{"username", "alice"}, {"password", "x"}});
  for (int i = 0; i < 29; ++i)
    begin({});
  ASSERT_EQ(post_register({}).status, 429U);
  const std::string other =
      text_of(post_register({{"username", "alice"}}, "192.0.2.77"), "session");
  EXPECT_EQ(post_register({{"auth", dummy(session)}}).status, 200U);
  EXPECT_EQ(text_of(post_register({{"password", "x"}, {"auth", dummy(other)}}), "errcode"),
            "M_USER_IN_USE");
  EXPECT_EQ(post_register({{"username", "bob"}, {"password", "x"}, {"auth", dummy(other)}}).status,
            429U)
      << "the next attempt is counted";
}

TEST_F(RegisterTest, T6_MayBeTurnedOff) {
  Settings unlimited;
  unlimited.limits.enabled = false;
  settings.replace(unlimited);
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(post_register({}).status, 401U);
}

TEST_F(RegisterTest, APasswordWithU0000IsRefused) {
  const json::object body{{"username", "alice"},
                          {"password", json::string_view("a\0b", 3)},
                          {"auth", {{"type", "m.login.dummy"}}}};
  EXPECT_EQ(text_of(post_register(body), "errcode"), "M_INVALID_PARAM");
}

}  // namespace
}  // namespace mxd::server
