// Rows U8, U10, U11, U13, U20 to U22: what a session is bound to, and how long it lives.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kFiveMinutes = 300'000;
const Challenge kFresh{.errcode = "M_FORBIDDEN"};  // U9

// ---- U8 ----

TEST_P(Rows, U8_StoredBodyIsUsed) {
  const auto session = begin({"PHONE", "TABLET"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, (Names{"PHONE", "TABLET"}));
}

TEST_P(Rows, U8_StoredBodyOfDelete) {
  const auto session = session_of(remove("PHONE", R"({"x":1})"));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session)))));
}

TEST_P(Rows, U8_SessionAloneAfterAStageElsewhere) {
  host.flows = {{"m.login.sso"}};
  const auto session = begin({"TABLET"});
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session)))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
}

// A list whose body has this many bytes, without `auth`.
Names list_of(size_t bytes) {
  const std::string around = R"({"devices":["","TABLET"]})";
  return {std::string(bytes - around.size(), 'x'), "TABLET"};
}

constexpr size_t kMostKept = 64 * 1024;  // L2

TEST_P(Rows, U8_BodyOver64KiBIsNotKept) {
  const Names ids = list_of(kMostKept + 1);
  const auto session = begin(ids);
  EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(session))), 400, "M_BAD_JSON"));
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of(ids)))))
      << "sent again, it goes by its digest";
  EXPECT_TRUE(is_error(remove_many(with_auth(session_alone(session))), 400, "M_BAD_JSON"))
      << "nor is it when the session is finished";
}

TEST_P(Rows, U8_BodyOfExactly64KiBIsKept) {
  const auto session = begin(list_of(kMostKept));
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session))))) << "also when finished";
}

TEST_P(Rows, U8_BodyThatTakesTheKeptOnesPlace) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  for (const size_t size : {kMostKept, kMostKept + 1}) {
    const auto session = begin({"PHONE"});
    const auto changed = with_auth(password_stage(session), deletion_of(list_of(size)));
    EXPECT_TRUE(is_ok(remove_many(changed)));
    const auto repeat = remove_many(with_auth(session_alone(session)));
    if (size == kMostKept) {
      EXPECT_TRUE(is_ok(repeat)) << "kept at exactly 64 KiB";
      EXPECT_EQ(host.deleted, Names{"TABLET"});
    } else {
      EXPECT_TRUE(is_error(repeat, 400, "M_BAD_JSON")) << "one byte more is not";
    }
  }
}

TEST_P(Rows, U8_BodyThatIsChangedBeforeTheFlowIsComplete) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  for (const size_t size : {kMostKept, kMostKept + 1}) {
    const auto session = begin({"PHONE"});
    EXPECT_TRUE(
        is_challenge(remove_many(with_auth(session_alone(session), deletion_of(list_of(size)))),
                     {.completed = Names{}}));
    const auto finish = remove_many(with_auth(password_stage(session)));
    if (size == kMostKept) {
      EXPECT_TRUE(is_ok(finish));
      EXPECT_EQ(host.deleted, Names{"TABLET"});
    } else {
      EXPECT_TRUE(is_error(finish, 400, "M_BAD_JSON"));
    }
  }
}

TEST_P(Rows, U8_AfterTheSessionIsFinished) {
  const auto session = begin({"TABLET"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of({"TABLET"})))));
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session))))) << "D13, by a short repeat";
}

// ---- U10 ----

TEST_P(Rows, U10_SessionOfAnotherUser) {
  const auto session = begin({"PHONE"});
  const auto body = with_auth(password_stage(session, "bob", kBobPassword), deletion_of({"PHONE"}));
  EXPECT_TRUE(is_error(remove_many(body, kBobToken), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U10_SessionOfAnotherDevice) {
  const auto session = begin({"PHONE"});
  const auto body = with_auth(password_stage(session), deletion_of({"PHONE"}));
  EXPECT_TRUE(is_error(remove_many(body, kLaptopToken), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove_many(body, kLooseToken), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U10_RefreshedTokenOfTheSameDevice) {
  const auto session = begin({"PHONE"});
  host.tokens["secret-refreshed"] = {.user = kAlice, .device = "PHONE", .token_id = "row-99"};
  const auto body = with_auth(password_stage(session), deletion_of({"PHONE"}));
  EXPECT_TRUE(is_ok(remove_many(body, "secret-refreshed")));
}

TEST_P(Rows, U10_TokensWithoutADevice) {
  const auto session = begin({"PHONE"}, kLooseToken);
  const auto body = with_auth(password_stage(session), deletion_of({"PHONE"}));
  EXPECT_TRUE(is_error(remove_many(body, kOtherLooseToken), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove_many(body, kPhoneToken), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_ok(remove_many(body, kLooseToken)));
}

// ---- U11 ----

TEST_P(Rows, U11_AnotherOperation) {
  const auto session = begin({"PHONE"});
  const auto one = session_of(remove("PHONE"));
  const auto with = [](const std::string& id) { return with_auth(password_stage(id)); };
  EXPECT_TRUE(is_error(remove("PHONE", with(session)), 403, "M_FORBIDDEN")) << "endpoint";
  EXPECT_TRUE(
      is_error(remove_many(with_auth(password_stage(one), deletion_of({}))), 403, "M_FORBIDDEN"))
      << "endpoint";
  EXPECT_TRUE(is_error(remove("LAPTOP", with(one)), 403, "M_FORBIDDEN")) << "device ID";
  EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(session), deletion_of({"LAPTOP"}))),
                       403, "M_FORBIDDEN"))
      << "body";
  EXPECT_TRUE(
      is_error(remove_many(with_auth(password_stage(session), deletion_of({"PHONE", "LAPTOP"}))),
               403, "M_FORBIDDEN"))
      << "body";
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U11_BodyIsComparedAsParsed) {
  const auto session = session_of(remove_many(R"({"devices":["PHONE"],"a":{"b":1,"c":[true]}})"));
  EXPECT_TRUE(is_ok(remove_many("{ \"auth\":" + password_stage(session) +
                                R"(, "a" : {"c":[ true ], "b" : 1},"devices":["\u0050HONE"]})")));
}

TEST_P(Rows, U11_DevicesAreASet) {
  const auto session = begin({"LAPTOP", "TABLET"});
  EXPECT_TRUE(is_error(remove_many(with_auth(session_alone(session), deletion_of({"TABLET"}))), 403,
                       "M_FORBIDDEN"))
      << "a part of it is another";
  EXPECT_TRUE(is_ok(
      remove_many(with_auth(password_stage(session), deletion_of({"TABLET", "LAPTOP", "TABLET"})))))
      << "in any order, and as often as you like: D9";
  EXPECT_TRUE(is_ok(
      remove_many(with_auth(session_alone(session), deletion_of({"LAPTOP", "LAPTOP", "TABLET"})))))
      << "also when it is finished";
}

TEST_P(Rows, U11_DevicesAreASetThroughTheKeptBody) {
  const auto session = begin({"TABLET", "LAPTOP", "TABLET"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session))))) << "the kept one";
  EXPECT_EQ(host.deleted, (Names{"LAPTOP", "TABLET"}));
  EXPECT_TRUE(
      is_ok(remove_many(with_auth(session_alone(session), deletion_of({"LAPTOP", "TABLET"})))));
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session)))));
}

TEST_P(Rows, U11_OrderOfAnyOtherArrayMatters) {
  const auto session =
      session_of(remove_many(R"({"devices":["TABLET"],"a":["x","y"],"b":{"devices":[1,2]}})"));
  const auto with = [&](const std::string& rest) {
    return with_auth(session_alone(session), R"("devices":["TABLET"],)" + rest);
  };
  EXPECT_TRUE(
      is_error(remove_many(with(R"("a":["y","x"],"b":{"devices":[1,2]})")), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(
      is_error(remove_many(with(R"("a":["x","y"],"b":{"devices":[2,1]})")), 403, "M_FORBIDDEN"))
      << "`devices` below the outermost object";
  EXPECT_TRUE(is_challenge(remove_many(with(R"("b":{"devices":[1,2]},"a":["x","y"])")),
                           {.completed = Names{}}));
}

TEST_P(Rows, U11_QueryAndVersionAreNotCompared) {
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(is_ok(send({.method = "POST",
                          .target = "/_matrix/client/r0/delete_devices?x=y",
                          .token = kPhoneToken,
                          .body = with_auth(password_stage(session), deletion_of({"PHONE"}))})));
}

TEST_P(Rows, U11_DeviceIdIsComparedDecoded) {
  const auto session = session_of(remove("A%42"));
  EXPECT_TRUE(is_ok(remove("AB", with_auth(password_stage(session)))));
}

// ---- U13, U20 ----

TEST_P(Rows, U13_CompletedSessionUntilItExpires) {
  const auto session = begin({"TABLET"});
  const auto body = with_auth(password_stage(session), deletion_of({"TABLET"}));
  EXPECT_TRUE(is_ok(remove_many(body)));
  host.now_ms += kFiveMinutes - 1;
  EXPECT_TRUE(is_ok(remove_many(body)));
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session), deletion_of({"TABLET"})))));
  host.now_ms += 1;
  EXPECT_TRUE(is_challenge(remove_many(body), kFresh)) << "from completion, not from use";
}

TEST_P(Rows, U13_NeverPastTheSessionsOwnLife) {
  const auto session = begin({"TABLET"});
  const auto body = with_auth(password_stage(session), deletion_of({"TABLET"}));
  host.now_ms += kHour - 1000;
  EXPECT_TRUE(is_ok(remove_many(body)));
  host.now_ms += 999;
  EXPECT_TRUE(is_ok(remove_many(body)));
  host.now_ms += 1;
  EXPECT_TRUE(is_challenge(remove_many(body), kFresh));
}

TEST_P(Rows, U13_LifetimeIsConfiguration) {
  host.config = R"({"uia":{"completed_lifetime_ms":0}})";
  const auto session = begin({"TABLET"});
  const auto body = with_auth(password_stage(session), deletion_of({"TABLET"}));
  EXPECT_TRUE(is_ok(remove_many(body)));
  EXPECT_TRUE(is_challenge(remove_many(body), kFresh));
}

TEST_P(Rows, U20_LifetimeOfASession) {
  const auto session = begin({"TABLET"});
  const auto body = with_auth(session_alone(session), deletion_of({"TABLET"}));
  host.now_ms += kHour - 1;
  EXPECT_TRUE(is_challenge(remove_many(body), {.completed = Names{}}));
  host.now_ms += 1;
  EXPECT_TRUE(is_challenge(remove_many(body), kFresh));
}

TEST_P(Rows, U20_LifetimeIsConfiguration) {
  host.config = R"({"uia":{"session_lifetime_ms":1000,"max_sessions_per_user":7}})";
  const auto session = begin({"TABLET"});
  EXPECT_EQ(host.sessions.at(session).expires_ms, host.now_ms + 1000);
  EXPECT_EQ(host.max_live_asked, 7u);
  host.now_ms += 1000;
  EXPECT_TRUE(is_challenge(remove_many(with_auth(password_stage(session), deletion_of({"TABLET"}))),
                           kFresh));
}

TEST_P(Rows, U21_SessionIsComparedAsDataAndNeverLogged) {
  // The log is searched when the host goes; a session ID with any characters comes back whole.
  host.sessions["secret-\"\\\xE2\x82\xAC"] = host.sessions[session_of(remove("PHONE"))];
  const auto state = remove("PHONE", with_auth(session_alone("secret-\"\\\xE2\x82\xAC")));
  EXPECT_TRUE(is_challenge(state, {.completed = Names{}}));
  EXPECT_EQ(session_of(state), "secret-\"\\\xE2\x82\xAC");
}

// ---- U22 ----

TEST_P(Rows, U22_NoGracePeriodByDefault) {
  host.tokens[kPhoneToken].validated_ms = host.now_ms;
  EXPECT_TRUE(is_challenge(remove("PHONE")));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage("")))));
  EXPECT_TRUE(host.marked_validated.empty()) << "asked only where there is a grace period";
}

TEST_P(Rows, U22_GracePeriod) {
  host.config = R"({"uia":{"grace_period_ms":60000}})";
  EXPECT_TRUE(is_challenge(remove("TABLET")));
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage("")))));
  EXPECT_EQ(host.marked_validated, Names{std::to_string(host.now_ms) + " @alice:test PHONE "});
  host.tokens[kPhoneToken].validated_ms = host.now_ms;
  host.now_ms += 59'999;
  host.forget_calls();
  EXPECT_TRUE(is_ok(remove("TABLET"))) << "the challenge is skipped";
  EXPECT_EQ(host.calls(), (Names{"authenticate", "delete_devices"}));
  EXPECT_TRUE(is_challenge(remove("TABLET", "", kLaptopToken))) << "another device's is not";
  host.now_ms += 1;
  EXPECT_TRUE(is_challenge(remove("TABLET")));
}

TEST_P(Rows, U22_ValidatedInTheFuture) {
  host.config = R"({"uia":{"grace_period_ms":60000}})";
  host.tokens[kPhoneToken].validated_ms = host.now_ms + 1;
  EXPECT_TRUE(is_challenge(remove("TABLET"))) << "a clock that was set back opens no door";
}

TEST_P(Rows, U22_SkipsNoOtherCheck) {
  host.config = R"({"uia":{"grace_period_ms":60000}})";
  host.tokens[kPhoneToken].validated_ms = host.now_ms;
  EXPECT_TRUE(is_error(remove_many("{}"), 400, "M_BAD_JSON"));
  EXPECT_TRUE(is_ok(remove_many("{" + deletion_of({"TABLET"}) + "}")));
}

}  // namespace
}  // namespace mxd::test
