// Row U6a: whom the stages of a session prove, wherever they were completed.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

const std::vector<Names> kPasswordThenDummy = {{"m.login.password", "m.login.dummy"}};

class Identities : public Rows {
 protected:
  Response alone(const std::string& session) {
    return remove("TABLET", with_auth(session_alone(session)));
  }
  Response with_password(const std::string& session) {
    return remove("TABLET", with_auth(password_stage(session)));
  }

  // The session is dead: whatever comes is refused, and nothing of it is tried.
  void expect_dead(const std::string& session) {
    host.sessions.at(session).elsewhere.clear();
    host.forget_calls();
    EXPECT_TRUE(is_error(with_password(session), 403, "M_FORBIDDEN"));
    EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
    for (const auto& call : host.calls())
      EXPECT_TRUE(call == "authenticate" || call == "uia_load_session") << call;
    EXPECT_EQ(host.deletions, 0);
  }
};

TEST_P(Identities, U6a_AnotherUserElsewhere) {
  host.flows = {{"m.login.sso"}, {"m.login.password"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.sessions.at(session).revision, 2) << "it is written as dead";
  expect_dead(session);
}

TEST_P(Identities, U6a_AnotherUserElsewhereAndTheOwnersPassword) {
  host.flows = {{"m.login.sso", "m.login.password"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(with_password(session), 403, "M_FORBIDDEN"));
  for (const auto& call : host.calls())
    EXPECT_NE(call, "uia_check") << "the password is not tried";
  expect_dead(session);
}

TEST_P(Identities, U6a_AStageThatNoFlowHas) {
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.email.identity", kBob}};
  EXPECT_TRUE(is_error(with_password(session), 403, "M_FORBIDDEN"));
  expect_dead(session);
}

TEST_P(Identities, U6a_OneTypeHereAndElsewhere) {
  host.flows = kPasswordThenDummy;
  const auto session = session_of(remove("TABLET"));
  EXPECT_TRUE(is_challenge(with_password(session),
                           {.flows = host.flows, .completed = Names{"m.login.password"}}));
  host.sessions[session].elsewhere = {{"m.login.password", kBob}};
  EXPECT_TRUE(
      is_error(remove("TABLET", with_auth(stage(session, "m.login.dummy"))), 403, "M_FORBIDDEN"));
  expect_dead(session);
}

TEST_P(Identities, U6a_OneTypeTwiceElsewhere) {
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}, {"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  expect_dead(session);
}

TEST_P(Identities, U6a_AnotherUserAfterTheSessionIsFinished) {
  const auto session = session_of(remove("TABLET"));
  EXPECT_TRUE(is_ok(with_password(session)));
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Identities, U6a_NobodyIsProved) {
  // A type that may prove somebody, and did not.
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", ""}};
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Identities, U6a_TheUserOfAnyCaseIsAnother) {
  host.flows = {{"m.login.sso"}};
  for (const char* almost : {"@Alice:test", "@alice:test ", "@alice:tes", "alice"}) {
    const auto session = session_of(remove("TABLET"));
    host.sessions[session].elsewhere = {{"m.login.sso", almost}};
    EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN")) << almost;
  }
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Identities, U6a_DeadEvenIfThatCouldNotBeWritten) {
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_NOT_FOUND; };
  EXPECT_EQ(alone(session).status / 100, 4) << "it is gone, or refused";
  host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_UNAVAILABLE; };
  EXPECT_TRUE(is_error(alone(session), 503, "M_UNKNOWN"));
  host.scripts.clear();
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Identities, U6a_ADeadSessionIsDeadOnItsPageToo) {
  host.config = R"({"fallback_pages":true})";
  host.flows = {{"m.login.sso"}, {"m.login.password"}};
  const auto session = session_of(remove("TABLET"));
  const std::string page =
      "/_matrix/client/v3/auth/m.login.password/fallback/web?session=" + session;
  EXPECT_EQ(host.send({.target = page}).status, 200);
  host.sessions[session].elsewhere = {{"m.login.sso", kBob}};
  EXPECT_EQ(host.send({.target = page}).status, 404) << "somebody else has proved something";
  EXPECT_TRUE(is_error(alone(session), 403, "M_FORBIDDEN"));
  host.sessions[session].elsewhere.clear();
  EXPECT_EQ(host.send({.target = page}).status, 404) << "and dead it stays";
}

INSTANTIATE_TEST_SUITE_P(Completion, Identities, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
