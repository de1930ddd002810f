// Rows U5 to U7, U14, U15: stages one after the other.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

const std::vector<Names> kTwoStages = {{"m.login.dummy", "m.login.password"}};
const std::vector<Names> kTokenThenPassword = {{"m.login.registration_token", "m.login.password"}};

std::string token_stage(const std::string& session) {
  return R"({"type":"m.login.registration_token","token":"secret-invitation","session":")" +
         session + "\"}";
}

TEST_P(Rows, U5_RightStageMoreToDo) {
  host.flows = kTwoStages;
  const auto session = session_of(remove("PHONE"));
  const auto more = remove("PHONE", with_auth(stage(session, "m.login.dummy")));
  EXPECT_TRUE(is_challenge(more, {.flows = kTwoStages, .completed = Names{"m.login.dummy"}}));
  EXPECT_EQ(session_of(more), session);
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session)))));
}

TEST_P(Rows, U5_CompletedIsInTheOrderCompleted) {
  host.flows = {{"a", "m.login.terms", "m.login.password", "z"},
                {"m.login.terms", "m.login.dummy", "z"}};
  const auto session = session_of(remove("PHONE"));
  const Names order = {"m.login.terms", "m.login.dummy"};
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(stage(session, order[0]))),
                           {.flows = host.flows, .completed = Names{order[0]}}));
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(stage(session, order[1]))),
                           {.flows = host.flows, .completed = order}));
}

TEST_P(Rows, U6_CredentialsOfAnotherUser) {
  const auto session = begin({"PHONE"});
  const auto thief = password_stage(session, "bob", kBobPassword);
  EXPECT_TRUE(is_error(remove_many(with_auth(thief, deletion_of({"PHONE"}))), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.sessions.at(session).revision, 1) << "the stage is not recorded";
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of({"PHONE"})))))
      << "the owner goes on with it";
}

TEST_P(Rows, U6_CredentialsOfAnotherUserWithoutASession) {
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(password_stage("", "bob", kBobPassword))), 403,
                       "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U6a_FlowsThatProveNobodyAreNotOffered) {
  host.flows = {{"m.login.dummy"},
                {"m.login.terms", "m.login.recaptcha"},
                {"m.login.registration_token"},
                {"m.login.dummy", "m.login.password"}};
  EXPECT_TRUE(is_challenge(remove("PHONE"), {.flows = {host.flows[3]}}));
  const auto dummy = remove("PHONE", with_auth(R"({"type":"m.login.dummy"})"));
  EXPECT_TRUE(is_challenge(dummy, {.flows = {host.flows[3]}, .completed = Names{"m.login.dummy"}}))
      << "dummy is a stage here, and no more";
  host.flows.pop_back();
  EXPECT_TRUE(is_error(remove("PHONE"), 403, "M_FORBIDDEN")) << "none is left: U17";
}

TEST_P(Rows, U6a_UnprovedFlowsMayBeAllowed) {
  host.config = R"({"uia":{"allow_unproved_flows":true}})";
  host.flows = {{"m.login.dummy"}};
  const auto challenge = remove("PHONE");
  EXPECT_TRUE(is_challenge(challenge, {.flows = host.flows}));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(stage(session_of(challenge), "m.login.dummy")))));
}

TEST_P(Rows, U6a_StageThatProvesNobodyAfterAll) {
  // A type that may prove an identity, of which the host says that it has not.
  host.flows = {{"x.custom"}};
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_identity(op, view("")), MXD_OK);
    return MXD_OK;
  };
  const auto session = session_of(remove("PHONE"));
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(stage(session, "x.custom"))), 403, "M_FORBIDDEN"));
  EXPECT_FALSE(host.sessions.at(session).finished);
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(stage(session, "x.custom"))), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U7_SessionAloneShowsItsState) {
  const auto session = session_of(remove("PHONE"));
  const auto state = remove("PHONE", with_auth(session_alone(session)));
  EXPECT_TRUE(is_challenge(state, {.completed = Names{}}));
  EXPECT_EQ(session_of(state), session);
}

TEST_P(Rows, U7_StageCompletedElsewhere) {
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("TABLET"));
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(session_alone(session)))));
  EXPECT_TRUE(host.sessions.at(session).finished);
}

TEST_P(Rows, U7_OneOfTwoStagesCompletedElsewhere) {
  host.flows = {{"m.login.sso", "m.login.dummy"}};
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(session_alone(session))),
                           {.flows = host.flows, .completed = Names{"m.login.sso"}}));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(stage(session, "m.login.dummy")))));
}

TEST_P(Rows, U14_StagesOutOfOrder) {
  host.flows = kTokenThenPassword;
  const auto session = session_of(remove("PHONE"));
  host.forget_calls();
  const Challenge refused{.flows = host.flows, .completed = Names{}, .errcode = "M_FORBIDDEN"};
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(password_stage(session))), refused));
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(stage(session, "x.unheard"))), refused));
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(stage(session, ""))), refused));
  for (const auto& call : host.calls())
    EXPECT_NE(call, "uia_check") << "credentials out of order are not tried";
}

TEST_P(Rows, U14_EitherOfTwoFlows) {
  host.flows = {{"m.login.dummy", "m.login.password"}, {"m.login.password"}};
  const auto session = session_of(remove("PHONE"));
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(stage(session, "m.login.dummy"))),
                           {.flows = host.flows, .completed = Names{"m.login.dummy"}}));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session)))));
}

TEST_P(Rows, U15_StageThatIsCompleteAlready) {
  host.flows = kTokenThenPassword;
  const auto session = session_of(remove("PHONE"));
  const Challenge more{.flows = host.flows, .completed = Names{"m.login.registration_token"}};
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(token_stage(session))), more));
  host.forget_calls();
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(token_stage(session))), more));
  EXPECT_TRUE(
      is_challenge(remove("PHONE", with_auth(stage(session, "m.login.registration_token"))), more))
      << "its data does not matter any more";
  for (const auto& call : host.calls())
    EXPECT_NE(call, "uia_check") << "it is not tried again";
}

TEST_P(Rows, U15_LastStageOfAFlowThatIsComplete) {
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].elsewhere = {{"m.login.password", kAlice}};
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session, "alice", "wrong")))))
      << "a flow is complete: the credentials are not tried";
}

}  // namespace
}  // namespace mxd::test
