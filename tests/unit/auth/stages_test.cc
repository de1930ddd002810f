// Rows U5 to U7, U14, U15, U19: stages one after the other, and whom they prove.
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
  EXPECT_TRUE(host.sessions.at(session).completed.empty()) << "the stage is not recorded";
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
  host.scripts["uia_check"] = [](mxd_op) { return MXD_OK; };
  const auto session = session_of(remove("PHONE"));
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(stage(session, "x.custom"))), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.sessions.at(session).finished_ms, std::nullopt);
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(stage(session, "x.custom"))), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U6a_IdentityOfAnotherUserRecordedElsewhere) {
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].completed = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(session_alone(session))), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(session_alone(session))), 403, "M_FORBIDDEN"))
      << "the session is dead";
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U6a_AnotherIdentityThenTheOwnersPassword) {
  host.flows = {{"m.login.sso", "m.login.password"}};
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].completed = {{"m.login.sso", kBob}};
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(password_stage(session))), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
}

TEST_P(Rows, U6a_SessionFinishedElsewhereForAnotherIdentity) {
  const auto session = session_of(remove("PHONE"));
  StoredSession& kept = host.sessions[session];
  kept.completed = {{"m.login.password", kBob}};
  kept.finished_ms = host.now_ms;
  kept.finished_digest = kept.digest;
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(session_alone(session))), 403, "M_FORBIDDEN"));
  kept.completed = {{"m.login.dummy", ""}};
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(session_alone(session))), 403, "M_FORBIDDEN"));
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
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].completed = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(session_alone(session)))));
  EXPECT_TRUE(host.sessions.at(session).finished_ms.has_value());
}

TEST_P(Rows, U7_SessionFinishedElsewhere) {
  host.flows = {{"m.login.sso"}};
  const auto session = session_of(remove("PHONE"));
  StoredSession& kept = host.sessions[session];
  kept.completed = {{"m.login.sso", kAlice}};
  kept.finished_ms = host.now_ms;
  kept.finished_digest = kept.digest;
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(session_alone(session)))));
}

TEST_P(Rows, U7_OneOfTwoStagesCompletedElsewhere) {
  host.flows = {{"m.login.sso", "m.login.dummy"}};
  const auto session = session_of(remove("PHONE"));
  host.sessions[session].completed = {{"m.login.sso", kAlice}};
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
  host.sessions[session].completed = {{"m.login.password", kAlice}};
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session, "alice", "wrong")))))
      << "a flow is complete: the credentials are not tried";
}

TEST_P(Rows, U19_OldStyleUser) {
  const auto old = [](const std::string& user) {
    return R"({"auth":{"type":"m.login.password","password":"secret-alice","user":")" + user +
           "\"}}";
  };
  EXPECT_TRUE(is_ok(remove("PHONE", old("alice"))));
  EXPECT_TRUE(is_ok(remove("NOSUCH", old("@alice:test"), kLaptopToken)));
}

TEST_P(Rows, U19_IdentifierWins) {
  const char* const auth = R"({"type":"m.login.password","password":"secret-alice","user":"bob",)"
                           R"("identifier":{"type":"m.id.user","user":"@alice:test"}})";
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(auth))));
}

TEST_P(Rows, PasswordWithEveryTypeOfIdentifier) {
  const char* const identifiers[] = {
      R"({"type":"m.id.user","user":"alice"})",
      R"({"type":"m.id.user","user":"@alice:test"})",
      R"({"type":"m.id.thirdparty","medium":"email","address":"alice@example.org"})",
      R"({"type":"m.id.phone","country":"GB","phone":"447700900123"})",
  };
  for (const std::string identifier : identifiers) {
    EXPECT_TRUE(is_ok(remove("NOSUCH", with_auth(R"({"type":"m.login.password","identifier":)" +
                                                 identifier + R"(,"password":"secret-alice"})"))))
        << identifier;
  }
}

TEST_P(Rows, HostIsGivenTheWholeAuthObject) {
  host.flows = {{"x.custom"}};
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_identity(op, view(kAlice)), MXD_OK);
    return MXD_OK;
  };
  EXPECT_TRUE(is_ok(remove("PHONE", R"({"auth":{"type":"x.custom","n":[1,{"a":null}]}})")));
}

}  // namespace
}  // namespace mxd::test
