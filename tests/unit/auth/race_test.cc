// Row U26, and what else may happen to a session while a request is at it. Every interleaving:
// dialogue_test.cc.
#include <algorithm>

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

class Races : public Rows {
 protected:
  // Begins both, as far as the replacement that each wants; the first gets it.
  void begin_both(const Request& first, const Request& second) {
    host.held.insert("uia_replace_session");
    ASSERT_EQ(host.start(first, kFirst), MXD_OK);
    host.await_held(1);
    ASSERT_EQ(host.start(second, kSecond), MXD_OK);
    host.await_held(2);
    host.release();
  }

  // Deletes TABLET with the password, and cancels that while this callback is asked.
  Response cancelled_during(const char* step, const std::string& session) {
    host.held.insert(step);
    mxd_request_token token = 0;
    EXPECT_EQ(host.start(deletion(session, {"TABLET"}), kFirst, &token), MXD_OK);
    host.await_held(1);
    EXPECT_EQ(host.module().cancel(token), MXD_OK);
    host.release();
    return host.wait_for(kFirst);
  }
};

TEST_P(Races, U26_TwoRequestsFinishOneSession) {
  const auto session = begin({"TABLET"});
  begin_both(deletion(session, {"TABLET"}), deletion(session, {"TABLET"}));
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  EXPECT_TRUE(is_ok(host.wait_for(kSecond))) << "the same body: as if it came after";
  EXPECT_EQ(host.sessions.at(session).revision, 2) << "one of them has written";
}

TEST_P(Races, U26_DifferentBodiesInLenientMode) {
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"TABLET"});
  begin_both(deletion(session, {"TABLET"}), deletion(session, {"LAPTOP"}));
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  EXPECT_TRUE(is_error(host.wait_for(kSecond), 403, "M_FORBIDDEN"));
  EXPECT_EQ(devices_of(kAlice), (Names{"LAPTOP", "PHONE"})) << "what the loser asked for stays";
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Races, U26_StoredBodyAgainstAnother) {
  // The loser goes by the session's body, which is another by then: that is what it asks for.
  host.config = R"({"uia":{"body_binding":"lenient"}})";
  const auto session = begin({"TABLET"});
  Request short_one = deletion(session, {});
  short_one.body = with_auth(password_stage(session));
  begin_both(deletion(session, {"LAPTOP"}), short_one);
  EXPECT_TRUE(is_ok(host.wait_for(kFirst)));
  const auto second = host.wait_for(kSecond);
  EXPECT_TRUE(is_ok(second) || is_error(second, 403, "M_FORBIDDEN"));
  EXPECT_EQ(devices_of(kAlice), (Names{"PHONE", "TABLET"})) << "as if it came after";
}

TEST_P(Races, U26_AnotherRequestCompletesTheOtherStageMeanwhile) {
  host.flows = {{"m.login.dummy", "m.login.password"}, {"m.login.password", "m.login.dummy"}};
  const auto session = begin({"TABLET"});
  Request dummy = deletion(session, {"TABLET"});
  dummy.body = with_auth(stage(session, "m.login.dummy"), deletion_of({"TABLET"}));
  begin_both(deletion(session, {"TABLET"}), dummy);
  EXPECT_TRUE(is_challenge(host.wait_for(kFirst),
                           {.flows = host.flows, .completed = Names{"m.login.password"}}));
  EXPECT_TRUE(is_ok(host.wait_for(kSecond))) << "it finds the other one, and both are complete";
}

TEST_P(Races, SessionEvictedBeforeItIsReplaced) {
  for (const int32_t status : {MXD_NOT_FOUND, MXD_CONFLICT}) {
    const auto session = begin({"TABLET"});
    // A host may say either: CONFLICT costs it no second query.
    host.before["uia_replace_session"] = [&] { host.sessions.erase(session); };
    if (status == MXD_CONFLICT) {
      host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_CONFLICT; };
    }
    const auto response = host.send(deletion(session, {"TABLET"}));
    host.scripts.clear();
    EXPECT_TRUE(is_challenge(response, {.errcode = "M_FORBIDDEN"})) << "as U9";
    EXPECT_NE(session_of(response), session);
    EXPECT_EQ(host.deletions, 0);
    EXPECT_EQ(host.sessions.count(session_of(response)), 1u);
  }
  EXPECT_TRUE(is_ok(host.send(deletion(begin({"TABLET"}), {"TABLET"}))));
}

TEST_P(Races, AReplacementThatIsCommittedAndDenied) {
  // As by a host that writes again after a lost connection, and finds its own revision.
  const auto session = begin({"TABLET"});
  host.denials["uia_replace_session"] = MXD_CONFLICT;
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"}))));
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Races, AStageThatIsKeptAndDenied) {
  host.flows = {{"m.login.dummy", "m.login.password"}};
  const auto session = begin({"TABLET"});
  host.denials["uia_replace_session"] = MXD_CONFLICT;
  EXPECT_TRUE(
      is_challenge(remove_many(with_auth(stage(session, "m.login.dummy"), deletion_of({"TABLET"}))),
                   {.flows = host.flows, .completed = Names{"m.login.dummy"}}));
  EXPECT_EQ(host.sessions.at(session).revision, 2) << "written once";
}

TEST_P(Races, AReplacementThatTimesOutAndIsCommitted) {
  const auto session = begin({"TABLET"});
  host.denials["uia_replace_session"] = MXD_TIMEOUT;
  EXPECT_TRUE(is_error(host.send(deletion(session, {"TABLET"})), 504, "M_UNKNOWN"));
  EXPECT_EQ(host.deletions, 0);
  host.denials.clear();
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session), deletion_of({"TABLET"})))))
      << "the client's repetition finds what stands";
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Races, AHostThatAlwaysSaysConflict) {
  const auto session = begin({"TABLET"});
  host.forget_calls();
  host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_CONFLICT; };
  EXPECT_TRUE(is_error(host.send(deletion(session, {"TABLET"})), 503, "M_UNKNOWN"));
  const auto calls = host.calls();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "uia_replace_session"), 8);
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "uia_load_session"), 8);
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "uia_check"), 1)
      << "a stage found right is not asked about again";
  const auto lines = host.take_misbehaviour();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("uia_replace_session"), lines[0].npos) << lines[0];
  host.scripts.clear();
  EXPECT_TRUE(is_ok(host.send(deletion(session, {"TABLET"})))) << "the next request works";
}

// ---- What is cancelled ----

TEST_P(Races, ADeletionIsNotBrokenOffByACancel) {
  host.config = R"({"uia":{"grace_period_ms":1000}})";
  for (const char* step : {"uia_replace_session", "mark_validated", "delete_devices"}) {
    host.users[kAlice].devices["TABLET"] = {};
    host.deletions = 0;
    host.marked_validated.clear();
    EXPECT_TRUE(is_ok(cancelled_during(step, begin({"TABLET"})))) << step;
    EXPECT_EQ(host.deletions, 1) << "cancelled during " << step;
    EXPECT_EQ(host.marked_validated.size(), 1u) << "cancelled during " << step;
  }
}

TEST_P(Races, ARequestThatIsCancelledBeforeAStageIsTriedChangesNothing) {
  for (const char* step : {"uia_load_session", "uia_flows"}) {
    const auto session = begin({"TABLET"});
    EXPECT_EQ(cancelled_during(step, session).status, 503) << step;
    EXPECT_EQ(host.sessions.at(session).revision, 1) << step;
    EXPECT_EQ(host.deletions, 0) << step;
  }
}

TEST_P(Races, AStageThatIsFoundRightIsKeptThoughItsRequestIsCancelled) {
  // What it was tried with may be used up.
  const auto session = begin({"TABLET"});
  EXPECT_TRUE(is_ok(cancelled_during("uia_check", session)));
  EXPECT_TRUE(host.sessions.at(session).finished);
  EXPECT_EQ(host.deletions, 1) << "all of it or nothing";
}

INSTANTIATE_TEST_SUITE_P(Completion, Races, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
