// Rows P6, U23, U25, U27, L1, L5: what is limited, what is not, and whose count it is.
#include <algorithm>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

const Challenge kRefused{.completed = Names{}, .errcode = "M_FORBIDDEN"};

std::string guess(std::string_view session) {
  return with_auth(password_stage(session, "alice", "secret-guess"));
}

testing::AssertionResult is_limited(const Response& response, int64_t wait_ms) {
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

std::string text_of(const Response& response) {
  return std::string(response.json().at("error").as_string());
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

TEST_P(Rows, U23_TheTextIsForAPerson) {
  for (int i = 0; i < 3; ++i)
    remove("LAPTOP", guess({}));
  host.now_ms += 1500;
  const auto limited = remove("LAPTOP", guess({}));
  EXPECT_TRUE(is_limited(limited, 4500));
  EXPECT_EQ(text_of(limited), "Too many wrong passwords. Try again in 5 seconds.");
  host.now_ms += 4000;
  EXPECT_EQ(text_of(remove("LAPTOP", guess({}))),
            "Too many wrong passwords. Try again in 1 second.");
}

Request with_password(const std::string& password) {
  return {.method = "DELETE",
          .target = std::string(kDevices) + "/NOSUCH",
          .token = kPhoneToken,
          .body = with_auth(password_stage({}, "alice", password))};
}

// Begins `count` attempts with the right password, which wait in the host from then on.
void begin_attempts(FakeHost& host, mxd_cookie count) {
  host.held.insert("uia_check");
  for (mxd_cookie cookie = 1; cookie <= count; ++cookie)
    ASSERT_EQ(host.start(with_password(kAlicePassword), cookie), MXD_OK);
  host.await_held(count);
}

TEST_P(Rows, U23_AttemptsInFlightAreWaitedForASecondOnly) {
  begin_attempts(host, 3);
  const auto limited = send(with_password(kAlicePassword));
  EXPECT_TRUE(is_limited(limited, 1000));
  EXPECT_EQ(text_of(limited), "Too many attempts at once. Try again in 1 second.");
  host.release();
  for (const mxd_cookie cookie : {1, 2, 3})
    EXPECT_TRUE(is_ok(host.wait_for(cookie)));
  EXPECT_TRUE(is_ok(send(with_password(kAlicePassword)))) << "they gave theirs back";
}

TEST_P(Rows, U23_FailuresAloneAreWaitedForLong) {
  for (int i = 0; i < 2; ++i)
    remove("LAPTOP", guess({}));
  begin_attempts(host, 1);
  EXPECT_TRUE(is_limited(send(with_password(kAlicePassword)), 1000))
      << "two failures leave a unit for the one in flight";
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(1)));

  remove("LAPTOP", guess({}));
  host.held.insert("uia_check");
  ASSERT_EQ(host.start({.method = "DELETE",
                        .target = std::string(kDevices) + "/NOSUCH",
                        .token = kLaptopToken,
                        .body = with_auth(password_stage({}))},
                       2),
            MXD_OK);
  host.await_held(1);
  const auto limited = send(with_password(kAlicePassword));
  EXPECT_TRUE(is_limited(limited, 6000)) << "whatever is in flight on another device";
  EXPECT_EQ(text_of(limited), "Too many wrong passwords. Try again in 6 seconds.");
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(2)));
}

TEST_P(Rows, U23_AttemptsThatFailAreInFlightNoMore) {
  host.held.insert("uia_check");
  for (const mxd_cookie cookie : {1, 2, 3})
    ASSERT_EQ(host.start(with_password("secret-guess"), cookie), MXD_OK);
  host.await_held(3);
  EXPECT_TRUE(is_limited(send(with_password(kAlicePassword)), 1000));
  host.release();
  for (const mxd_cookie cookie : {1, 2, 3})
    EXPECT_EQ(host.wait_for(cookie).status, 401);
  EXPECT_TRUE(is_limited(send(with_password(kAlicePassword)), 6000));
}

TEST_P(Rows, U23_AttemptsInFlightWhereTheHostCounts) {
  host.share_limits();
  begin_attempts(host, 3);
  host.limit_wait_ms = 6000;
  host.scripts["take_limit"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_retry_after(op, host.limit_wait_ms), MXD_OK);
    return MXD_LIMIT_EXCEEDED;
  };
  // Of a session that is there, so that the failures' limit is the first to be asked for.
  const std::string session = host.sessions.begin()->first;
  const auto attempt = [&] { return remove("NOSUCH", with_auth(password_stage(session))); };
  EXPECT_TRUE(is_limited(attempt(), 1000));
  host.limit_wait_ms = 300;
  EXPECT_TRUE(is_limited(attempt(), 300)) << "a second at most";
  host.limit_wait_ms = 60'000;
  EXPECT_TRUE(is_limited(attempt(), 60'000)) << "the host has seen more than is in flight here";
  const auto refuse = host.scripts.extract("take_limit");
  host.limit_wait_ms = 0;
  host.release();
  for (const mxd_cookie cookie : {1, 2, 3})
    host.wait_for(cookie);
  const std::string fresh = session_of(remove("NOSUCH"));
  host.scripts["take_limit"] = refuse.mapped();
  host.limit_wait_ms = 6000;
  EXPECT_TRUE(is_limited(remove("NOSUCH", with_auth(password_stage(fresh))), 6000))
      << "nothing is in flight any more";
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

TEST_P(Rows, U4_NulInCredentialsCountsAndIsNoHostsBusiness) {
  const std::string session = session_of(remove("LAPTOP"));
  const auto with = [&](const std::string& members) {
    return with_auth(R"({"type":"m.login.password","session":")" + session + "\"," + members + "}");
  };
  const std::string cases[] = {
      with(R"("identifier":{"type":"m.id.user","user":"alice"},"password":"secret-alice\u0000")"),
      with(R"("identifier":{"type":"m.id.user","user":"alice\u0000"},"password":"secret-alice")"),
      with(R"("user":"alice\u0000b","password":"secret-alice")"),
      with(R"("identifier":{"type":"m.id.thirdparty","medium":"email\u0000","address":"a"},)"
           R"("password":"secret-alice")"),
      with(R"("identifier":{"type":"m.id.phone","country":"GB","phone":"\u0000"},)"
           R"("password":"secret-alice")"),
  };
  for (const std::string& body : cases) {
    EXPECT_TRUE(is_challenge(remove("LAPTOP", body), kRefused)) << body;
    EXPECT_FALSE(contains(host.calls(), "uia_check")) << body;
    host.now_ms += 6000;
  }
  for (int i = 0; i < 3; ++i)
    remove("LAPTOP", cases[0]);
  EXPECT_TRUE(is_limited(remove("LAPTOP", cases[0]), 6000)) << "each is a failure";
}

TEST_P(Rows, H6_CredentialsThatCouldNotBeCheckedAreNotWrong) {
  const std::string session = session_of(remove("LAPTOP"));
  for (const int32_t status : {MXD_NO_MEMORY, MXD_UNAVAILABLE}) {
    for (const bool returned : {false, true}) {
      if (returned) {
        host.refusals["uia_check"] = status;
      } else {
        host.scripts["uia_check"] = [status](mxd_op) { return status; };
      }
      const size_t lines = host.log().size();
      for (int i = 0; i < 5; ++i) {
        const auto response = remove("LAPTOP", guess(session));
        EXPECT_TRUE(is_error(response, 503, "M_UNKNOWN")) << status << ", attempt " << i;
        EXPECT_EQ(response.header("Retry-After"), "1");
      }
      EXPECT_EQ(host.log().size(), lines + 5) << "a line in the log for each";
      host.scripts.clear();
      host.refusals.clear();
    }
  }
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage(session)))))
      << "the units were given back";
}

TEST_P(Rows, H6_RetryAfterIsTheHosts) {
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_retry_after(op, 2500), MXD_OK);
    return MXD_NO_MEMORY;
  };
  EXPECT_EQ(remove("LAPTOP", guess({})).header("Retry-After"), "3");
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
  const auto limited = remove("LAPTOP");
  EXPECT_TRUE(is_limited(limited, 5000));
  EXPECT_EQ(text_of(limited), "Too many sign-outs begun. Try again in 5 seconds.");
  EXPECT_FALSE(contains(host.calls(), "uia_create_session"));
  EXPECT_TRUE(is_challenge(remove("PHONE", "", kLaptopToken))) << "another device has its own";
}

// ---- U27 ----

Request repeat_of(const std::string& session, const char* token = kPhoneToken) {
  return {.method = "POST",
          .target = kDeleteDevices,
          .token = token,
          .body = with_auth(session_alone(session), deletion_of({"TABLET"}))};
}

// A session of PHONE, or of another token's device, that is finished.
std::string finish(FakeHost& host, const char* token = kPhoneToken) {
  const auto done = host.send({.method = "POST",
                               .target = kDeleteDevices,
                               .token = token,
                               .body = with_auth(password_stage({}), deletion_of({"TABLET"}))});
  EXPECT_EQ(done.status, 200) << done;
  const auto newest = [](const auto& a, const auto& b) { return a.second.order < b.second.order; };
  return std::max_element(host.sessions.begin(), host.sessions.end(), newest)->first;
}

TEST_P(Rows, U27_Repeats) {
  const std::string session = finish(host);
  for (int i = 0; i < 30; ++i)
    EXPECT_TRUE(is_ok(send(repeat_of(session)))) << i;
  const int deletions = host.deletions;
  EXPECT_TRUE(is_limited(send(repeat_of(session)), 1000));
  EXPECT_EQ(host.deletions, deletions);
  EXPECT_TRUE(is_limited(send(repeat_of(finish(host))), 1000)) << "whatever the session";
  const std::string laptops = finish(host, kLaptopToken);
  EXPECT_TRUE(is_ok(send(repeat_of(laptops, kLaptopToken)))) << "another device has its own";
  host.now_ms += 1000;
  EXPECT_TRUE(is_ok(send(repeat_of(session))));
  EXPECT_TRUE(is_limited(send(repeat_of(session)), 1000));
}

TEST_P(Rows, U27_RequestsThatFindItFinishedByAnother) {
  host.config = R"({"limits":{"uia_repeats":{"burst":1,"interval_ms":60000}}})";
  const std::string session = session_of(remove_many("{" + deletion_of({"TABLET"}) + "}"));
  Request password = repeat_of(session);
  password.body = with_auth(password_stage(session), deletion_of({"TABLET"}));
  host.held.insert("uia_replace_session");
  for (const mxd_cookie cookie : {1, 2, 3})
    ASSERT_EQ(host.start(password, cookie), MXD_OK);
  host.await_held(3);
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(1)));
  EXPECT_TRUE(is_ok(host.wait_for(2)));
  EXPECT_TRUE(is_limited(host.wait_for(3), 60'000));
  EXPECT_EQ(host.deletions, 2);
}

TEST_P(Rows, U27_TheHostCounts) {
  host.share_limits();
  const std::string session = finish(host);
  host.limit_calls.clear();
  EXPECT_TRUE(is_ok(send(repeat_of(session))));
  ASSERT_EQ(host.limit_calls.size(), 1u);
  EXPECT_EQ(host.limit_calls[0].buckets, Names{"uia_repeats @alice:test PHONE 30 1000"});
  EXPECT_EQ(host.limit_calls[0].units, 1);
}

TEST_P(Rows, P6_Creation) {
  host.config = R"({"limits":{"device_creation":{"burst":2,"interval_ms":2000}}})";
  EXPECT_TRUE(is_ok(put("FIRST", "{}", kServiceToken), 201));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(is_ok(put("FIRST", "{}", kServiceToken))) << "a repeat takes nothing: " << i;
  EXPECT_TRUE(is_ok(put("SECOND", "{}", kServiceToken), 201));
  const auto limited = put("THIRD", "{}", kServiceToken);
  EXPECT_TRUE(is_limited(limited, 2000));
  EXPECT_EQ(text_of(limited), "Too many new devices. Try again in 2 seconds.");
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
