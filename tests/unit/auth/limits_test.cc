// Rows P6, U23, U25, L1, L5: what is limited, what is not, and whose count it is.
#include <algorithm>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

const Challenge kRefused{.completed = Names{}, .errcode = "M_FORBIDDEN"};

std::string guess(std::string_view session) {
  return with_auth(password_stage(session, "alice", "secret-guess"));
}

testing::AssertionResult is_limited(const Response& response, std::int64_t wait_ms) {
  const auto error = is_error(response, 429, "M_LIMIT_EXCEEDED");
  if (!error) return error;
  const auto ms = response.json().at("retry_after_ms").as_int64();
  const auto seconds = response.header("Retry-After").value_or("none");
  if (ms != wait_ms || seconds != std::to_string((wait_ms + 999) / 1000)) {
    return testing::AssertionFailure()
           << "expected " << wait_ms << " ms, got " << ms << " ms and Retry-After " << seconds;
  }
  return testing::AssertionSuccess();
}

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_P(Rows, U23_Guesses) {
  const std::string session = session_of(remove("LAPTOP"));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(is_challenge(remove("LAPTOP", guess(session)), kRefused)) << i;
  host.forget_calls();
  EXPECT_TRUE(is_limited(remove("LAPTOP", guess(session)), 6000));
  EXPECT_TRUE(is_limited(remove("LAPTOP", with_auth(password_stage(session))), 6000))
      << "the right password does not get through either";
  EXPECT_FALSE(contains(host.calls(), "uia_check"));
  host.now_ms += 6000;
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage(session)))));
}

TEST_P(Rows, U23_SuccessTakesNothing) {
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(is_ok(remove("NOSUCH", with_auth(password_stage({}))))) << i;
}

TEST_P(Rows, U23_WhateverTheSession) {
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(is_challenge(remove("LAPTOP", guess({})), kRefused)) << i;
  EXPECT_TRUE(is_limited(remove("LAPTOP", guess({})), 6000));
}

TEST_P(Rows, U23_TheOwnerOnAnotherDeviceIsNotLockedOut) {
  for (int i = 0; i < 6; ++i)
    remove("LAPTOP", guess({}));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage({})), kLaptopToken)));
}

TEST_P(Rows, U23_WhatIsNoFailure) {
  const std::string session = session_of(remove("LAPTOP"));
  for (int i = 0; i < 5; ++i) {
    remove("LAPTOP", guess("nobody-knows-it"));                                  // U9
    remove("LAPTOP", guess(session), kLaptopToken);                              // U10
    remove("TABLET", guess(session));                                            // U11
    remove("LAPTOP", with_auth(stage(session, "m.login.sso")));                  // U14
    remove("LAPTOP", with_auth(R"({"type":"m.login.password","password":1})"));  // U4a
  }
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage(session)))));
}

TEST_P(Rows, U23_CredentialsOfAnotherAreFailures) {
  const std::string session = session_of(remove("LAPTOP"));
  const std::string bobs = with_auth(password_stage(session, "bob", kBobPassword));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(is_error(remove("LAPTOP", bobs), 403, "M_FORBIDDEN")) << i;
  EXPECT_TRUE(is_limited(remove("LAPTOP", bobs), 6000));
}

TEST_P(Rows, U23_AHostThatFailsIsNoFailure) {
  const std::string session = session_of(remove("LAPTOP"));
  host.scripts["uia_check"] = [](mxd_op) { return MXD_UNAVAILABLE; };
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(is_error(remove("LAPTOP", guess(session)), 503, "M_UNKNOWN")) << i;
  host.scripts.clear();
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage(session)))));
}

TEST_P(Rows, U23_Configured) {
  host.config = R"({"limits":{"uia_failures":{"burst":1,"interval_ms":90000}}})";
  EXPECT_TRUE(is_challenge(remove("LAPTOP", guess({})), kRefused));
  EXPECT_TRUE(is_limited(remove("LAPTOP", guess({})), 90000));
}

TEST_P(Rows, U25_Challenges) {
  host.config = R"({"limits":{"uia_challenges":{"burst":2,"interval_ms":5000}}})";
  EXPECT_TRUE(is_challenge(remove("LAPTOP")));
  EXPECT_TRUE(is_challenge(remove("LAPTOP")));
  host.forget_calls();
  EXPECT_TRUE(is_limited(remove("LAPTOP"), 5000));
  EXPECT_FALSE(contains(host.calls(), "uia_create_session"));
  EXPECT_TRUE(is_challenge(remove("PHONE", "", kLaptopToken))) << "another device has its own";
}

TEST_P(Rows, P6_Creation) {
  host.config = R"({"limits":{"device_creation":{"burst":2,"interval_ms":2000}}})";
  EXPECT_TRUE(is_ok(put("FIRST", "{}", kServiceToken), 201));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(is_ok(put("FIRST", "{}", kServiceToken))) << "a repeat takes nothing: " << i;
  EXPECT_TRUE(is_ok(put("SECOND", "{}", kServiceToken), 201));
  EXPECT_TRUE(is_limited(put("THIRD", "{}", kServiceToken), 2000));
  EXPECT_TRUE(is_ok(put("SECOND", "{}", kServiceToken))) << "nor is it refused";
  host.now_ms += 2000;
  EXPECT_TRUE(is_ok(put("THIRD", "{}", kServiceToken), 201));
}

TEST_P(Rows, P6_ExemptService) {
  host.config = R"({"limits":{"device_creation":{"burst":1,"interval_ms":2000}}})";
  host.tokens[kServiceToken].flags |= MXD_PRINCIPAL_UNLIMITED;
  for (const char* id : {"A", "B", "C"})
    EXPECT_TRUE(is_ok(put(id, "{}", kServiceToken), 201)) << id;
}

TEST_P(Rows, P6_ARefusedCreationTakesNothing) {
  host.config =
      R"({"max_devices_per_user":1,"limits":{"device_creation":{"burst":1,"interval_ms":2000}}})";
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(is_error(put("SECOND", "{}", kServiceToken), 403, "M_USER_LIMIT_EXCEEDED")) << i;
}

TEST_P(Rows, L5_TheHostCounts) {
  host.share_limits();
  EXPECT_TRUE(is_challenge(remove("LAPTOP", guess({})), kRefused));
  ASSERT_EQ(host.limit_calls.size(), 2u);
  EXPECT_EQ(host.limit_calls[0].buckets, Names{"uia_challenges @alice:test PHONE 60 5000"});
  EXPECT_EQ(host.limit_calls[1].buckets, (Names{"uia_failures_device @alice:test PHONE 3 6000",
                                                "uia_failures_user @alice:test 12 1500"}));
  EXPECT_EQ(host.limit_calls[1].units, 1) << "and stays taken";

  host.limit_calls.clear();
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage({})))));
  ASSERT_EQ(host.limit_calls.size(), 3u);
  EXPECT_EQ(host.limit_calls[2].buckets, host.limit_calls[1].buckets);
  EXPECT_EQ(host.limit_calls[2].units, -1) << "given back";

  host.limit_wait_ms = 1500;
  EXPECT_TRUE(is_limited(remove("PHONE"), 1500));
}

TEST_P(Rows, L5_TheHostFailsToCount) {
  host.share_limits();
  host.scripts["take_limit"] = [](mxd_op) { return MXD_UNAVAILABLE; };
  EXPECT_TRUE(is_error(remove("PHONE"), 503, "M_UNKNOWN"));
}

}  // namespace
}  // namespace mxd::test
