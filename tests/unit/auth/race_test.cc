// Row U26, and what else may happen to a session while a request is at it; what a dialogue costs.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

constexpr mxd_cookie kFirst = 1;
constexpr mxd_cookie kSecond = 2;

Request deletion(const std::string& session, const Names& ids) {
  return {.method = "POST",
          .target = kDeleteDevices,
          .token = kPhoneToken,
          .body = with_auth(password_stage(session), deletion_of(ids))};
}

TEST_P(Rows, U26_TwoRequestsFinishOneSession) {
  const auto session = begin({"TABLET"});
  host.held.insert("uia_record");
  ASSERT_EQ(host.start(deletion(session, {"TABLET"}), kFirst), MXD_OK);
  host.await_held(1);
  ASSERT_EQ(host.start(deletion(session, {"TABLET"}), kSecond), MXD_OK);
  host.await_held(2);
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  EXPECT_TRUE(is_ok(host.wait_for(kSecond))) << "the same body: as if it came after";
  EXPECT_EQ(host.sessions.at(session).completed.size(), 1u);
}

TEST_P(Rows, U26_DifferentBodiesInLenientMode) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"TABLET"});
  host.held.insert("uia_record");
  ASSERT_EQ(host.start(deletion(session, {"TABLET"}), kFirst), MXD_OK);
  host.await_held(1);
  ASSERT_EQ(host.start(deletion(session, {"LAPTOP"}), kSecond), MXD_OK);
  host.await_held(2);
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  EXPECT_TRUE(is_error(host.wait_for(kSecond), 403, "M_FORBIDDEN"));
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "PHONE"})) << "what the loser asked for stays";
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Rows, U26_StoredBodyAgainstAnother) {
  // The loser goes by the session's body, and must not delete that in its own name after all.
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"TABLET"});
  host.held.insert("uia_record");
  ASSERT_EQ(host.start(deletion(session, {"LAPTOP"}), kFirst), MXD_OK);
  host.await_held(1);
  Request short_one = deletion(session, {});
  short_one.body = with_auth(password_stage(session));
  ASSERT_EQ(host.start(short_one, kSecond), MXD_OK);
  host.await_held(2);
  host.release();
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  EXPECT_TRUE(is_error(host.wait_for(kSecond), 403, "M_FORBIDDEN"));
  EXPECT_EQ(devices_of(kAlice), (Names{"PHONE", "TABLET"}));
}

TEST_P(Rows, U26_AnotherProcessFinishesItMeanwhile) {
  const auto session = begin({"TABLET"});
  host.before["uia_record"] = [&] {
    StoredSession& kept = host.sessions[session];
    kept.completed = {{"m.login.password", kAlice}};
    kept.finished_ms = host.now_ms;
    kept.finished_digest = kept.digest;
  };
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"}))));
}

TEST_P(Rows, U26_AnIdentityOfAnotherUserComesMeanwhile) {
  host.flows = {{"m.login.sso", "m.login.password"}, {"m.login.password"}};
  const auto session = begin({"TABLET"});
  host.before["uia_record"] = [&] { host.sessions[session].completed = {{"m.login.sso", kBob}}; };
  EXPECT_TRUE(is_error(host.send(deletion(session, {"TABLET"})), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U26_AnotherRequestCompletesTheOtherStageMeanwhile) {
  host.flows = {{"m.login.dummy", "m.login.password"}, {"m.login.password", "m.login.dummy"}};
  const auto session = session_of(remove("PHONE"));
  host.before["uia_record"] = [&] {
    host.sessions[session].completed = {{"m.login.password", kAlice}};
  };
  const auto response = remove("PHONE", with_auth(stage(session, "m.login.dummy")));
  EXPECT_TRUE(is_challenge(
      response, {.flows = host.flows, .completed = Names{"m.login.password", "m.login.dummy"}}));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(session_alone(session)))))
      << "both are complete: the session alone goes ahead";
}

TEST_P(Rows, SessionEvictedBetweenLoadAndRecord) {
  const auto session = begin({"TABLET"});
  host.before["uia_record"] = [&] { host.sessions.erase(session); };
  const auto response = host.send(deletion(session, {"TABLET"}));
  EXPECT_TRUE(is_challenge(response, {.errcode = "M_FORBIDDEN"})) << "as U9";
  EXPECT_NE(session_of(response), session);
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(host.send(deletion(session_of(response), {"TABLET"}))));
}

TEST_P(Rows, SessionThatTheHostDoesNotFinish) {
  const auto session = begin({"TABLET"});
  host.scripts["uia_record"] = [&](mxd_op op) {
    mxd_session unfinished{};
    unfinished.size = sizeof unfinished;
    unfinished.user_id = view(kAlice);
    unfinished.device_id = view("PHONE");
    unfinished.body_digest = view(host.sessions[session].digest);
    EXPECT_EQ(host.module().emit_session(op, &unfinished), MXD_OK);
    EXPECT_EQ(host.module().emit_completed_stage(op, view("m.login.password"), view(kAlice)),
              MXD_OK);
    return MXD_OK;
  };
  EXPECT_TRUE(is_error(host.send(deletion(session, {"TABLET"})), 500, "M_UNKNOWN"));
  EXPECT_EQ(host.take_misbehaviour().size(), 1u);
  EXPECT_EQ(host.deletions, 0);
}

// ---- Costs: no callback but these ----

TEST_P(Rows, CostOfAChallenge) {
  EXPECT_TRUE(is_challenge(remove("PHONE")));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_flows", "uia_create_session"}));
}

TEST_P(Rows, CostOfCredentials) {
  const auto session = begin({"TABLET"});
  host.forget_calls();
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"}))));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows", "uia_check",
                                 "uia_record", "delete_devices"}));
}

TEST_P(Rows, CostOfCredentialsWithoutASession) {
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage("")))));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_flows", "uia_create_session", "uia_check",
                                 "uia_record", "delete_devices"}));
}

TEST_P(Rows, CostOfARepeat) {
  const auto session = begin({"TABLET"});
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"}))));
  host.forget_calls();
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"}))));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "delete_devices"}));
}

TEST_P(Rows, CostOfAWrongPassword) {
  const auto session = session_of(remove("PHONE"));
  host.forget_calls();
  remove("PHONE", with_auth(password_stage(session, "alice", "wrong")));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_load_session", "uia_flows", "uia_check"}));
}

}  // namespace
}  // namespace mxd::test
