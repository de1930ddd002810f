// Rows U1 to U4a, U9, U16 to U18, U24: from the first request to the first credentials.
#include <boost/json/array.hpp>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

const Challenge kRefused{.completed = Names{}, .errcode = "M_FORBIDDEN"};

TEST_P(Rows, U1_Challenge) {
  for (const char* auth : {"{}", "null"})
    EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(auth)))) << auth;
  const auto response = remove("PHONE");
  EXPECT_TRUE(is_challenge(response));
  EXPECT_EQ(response.json().at("params").as_object().size(), 0u);
  EXPECT_EQ(host.sessions.count(session_of(response)), 1u) << "the session is stored";
}

TEST_P(Rows, U1_WhatIsKeptInASession) {
  const auto response =
      send({.method = "POST",
            .target = std::string(kDeleteDevices) + "?x=1&access_token=" + kPhoneToken + "&y=2",
            .body = R"({"other": 1, "devices": ["LAPTOP", "PHONE"], "auth": {}})"});
  const KeptSession& kept = host.sessions.at(session_of(response));
  EXPECT_EQ(kept.user, kAlice);
  EXPECT_EQ(kept.device, "PHONE");
  EXPECT_EQ(kept.method, "POST");
  EXPECT_EQ(kept.endpoint, "/delete_devices");
  EXPECT_EQ(kept.target, std::string(kDeleteDevices) + "?x=1&y=2") << "without the token";
  EXPECT_EQ(kept.description, "Sign out 2 devices");
  EXPECT_EQ(kept.expires_ms, host.now_ms + 3'600'000);
  EXPECT_EQ(host.max_live_asked, 32u);
  EXPECT_EQ(kept.state.find("secret-"), kept.state.npos) << "no token, and no session ID";
}

TEST_P(Rows, U1_WhatIsKeptOfOneDevice) {
  const KeptSession& kept = host.sessions.at(session_of(remove("A%2FB")));
  EXPECT_EQ(kept.method, "DELETE");
  EXPECT_EQ(kept.endpoint, "/devices/{deviceId}");
  EXPECT_EQ(kept.target, std::string(kDevices) + "/A%2FB") << "raw";
  EXPECT_EQ(kept.description, "Sign out one device");
  EXPECT_EQ(host.flows_operation, "DELETE /devices/{deviceId} @alice:test PHONE");
}

TEST_P(Rows, U1_TokenWithoutADevice) {
  const KeptSession& kept = host.sessions.at(session_of(remove("PHONE", "", kLooseToken)));
  EXPECT_EQ(kept.device, "");
  EXPECT_EQ(kept.token_id, "row-7");
}

TEST_P(Rows, U1_ParametersOfStages) {
  host.flows = {{"m.login.terms", "m.login.password"}, {"x.\"y\"", "m.login.password"}};
  host.params = {{"m.login.terms", R"({"policies": {"a\"b": [1, null]}})"}, {"x.\"y\"", "{}"}};
  const auto response = remove("PHONE");
  EXPECT_TRUE(is_challenge(response, {.flows = host.flows}));
  const auto params = response.json().at("params").as_object();
  EXPECT_EQ(params.size(), 2u);
  EXPECT_TRUE(params.at("m.login.terms").at("policies").at("a\"b").is_array());
  EXPECT_TRUE(params.at("x.\"y\"").as_object().empty());
}

TEST_P(Rows, U1_ParametersOfATypeThatIsThereTwice) {
  host.flows = {{"m.login.terms", "m.login.password"}};
  host.scripts["uia_flows"] = [this](mxd_op op) {
    const std::pair<uint32_t, const char*> stages[] = {
        {0, R"({"which":"first"})"}, {1, R"({"which":"second"})"}, {1, ""}};
    const char* const types[] = {"m.login.terms", "m.login.terms", "m.login.password"};
    for (size_t i = 0; i < 3; ++i) {
      mxd_uia_stage stage{};
      stage.size = sizeof stage;
      stage.flow = stages[i].first;
      stage.type = view(types[i]);
      stage.params = view(stages[i].second);
      EXPECT_EQ(host.module().emit_stage(op, &stage), MXD_OK);
    }
    return MXD_OK;
  };
  const auto params = remove("PHONE").json().at("params").as_object();
  EXPECT_EQ(params.at("m.login.terms").at("which").as_string(), "first");
}

TEST_P(Rows, U1_SessionIdThatIsProposed) {
  host.names_sessions = false;
  const auto challenge = remove("TABLET");
  EXPECT_TRUE(is_challenge(challenge));
  EXPECT_EQ(host.sessions.count(session_of(challenge)), 1u);
  EXPECT_NE(session_of(remove("TABLET")), session_of(challenge));
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage(session_of(challenge))))));
}

TEST_P(Rows, U2_EmptySessionIsUnknown) {
  EXPECT_TRUE(
      is_challenge(remove("PHONE", R"({"auth":{"session":""}})"), {.errcode = "M_FORBIDDEN"}));
}

TEST_P(Rows, U3_RightCredentialsWithoutASession) {
  EXPECT_TRUE(is_ok(remove("TABLET", with_auth(password_stage("")))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
  EXPECT_EQ(host.sessions.size(), 1u);
}

TEST_P(Rows, U3_WrongCredentialsWithoutASession) {
  const auto refused = remove("PHONE", with_auth(password_stage("", "alice", "wrong")));
  EXPECT_TRUE(is_challenge(refused, kRefused));
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session_of(refused))))))
      << "the session works afterwards";
}

TEST_P(Rows, U3_StageThatIsNotDueWithoutASession) {
  const auto refused = remove("PHONE", R"({"auth":{"type":"m.login.dummy"}})");
  EXPECT_TRUE(is_challenge(refused, kRefused));
  EXPECT_EQ(host.sessions.count(session_of(refused)), 1u);
}

TEST_P(Rows, U4_WrongPassword) {
  const auto session = begin({"PHONE"});
  const auto refused =
      remove_many(with_auth(password_stage(session, "alice", "wrong"), deletion_of({"PHONE"})));
  EXPECT_TRUE(is_challenge(refused, kRefused));
  EXPECT_EQ(session_of(refused), session);
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_challenge(remove_many(with_auth(session_alone(session), deletion_of({"PHONE"}))),
                           {.completed = Names{}}))
      << "nothing is recorded";
}

TEST_P(Rows, U4_ReasonOfTheHosts) {
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_reason(op, view("Your password has been \"reset\".")), MXD_OK);
    return MXD_REFUSED;
  };
  const auto refused = remove("PHONE", with_auth(password_stage("")));
  EXPECT_TRUE(is_challenge(refused, kRefused));
  EXPECT_EQ(refused.json().at("error").get_string(), "Your password has been \"reset\".");
}

TEST_P(Rows, U4_UserWithoutAPassword) {
  host.users[kAlice].password = "";
  EXPECT_TRUE(is_challenge(remove("PHONE", with_auth(password_stage("", "alice", ""))), kRefused));
}

TEST_P(Rows, U4a_NoType) {
  EXPECT_TRUE(is_challenge(remove("PHONE", R"({"auth":{"password":"secret-alice"}})")))
      << "as U1, without a session";
  const auto session = session_of(remove("PHONE"));
  EXPECT_TRUE(is_challenge(
      remove("PHONE", with_auth("{\"session\":\"" + session + "\",\"password\":\"x\"}")),
      {.completed = Names{}}))
      << "as U7, with one";
}

TEST_P(Rows, U4a_StageDataMissingOrOfAWrongType) {
  host.flows = {{"m.login.password"},
                {"m.login.registration_token", "m.login.password"},
                {"m.login.recaptcha", "m.login.password"},
                {"m.login.email.identity"},
                {"m.login.msisdn"}};
  const char* const stages[] = {
      R"("type":"m.login.password")",
      R"("type":"m.login.password","password":"x")",
      R"("type":"m.login.password","user":"alice")",
      R"("type":"m.login.password","user":"alice","password":null)",
      R"("type":"m.login.password","user":"alice","password":1)",
      R"("type":"m.login.password","user":1,"password":"x")",
      R"("type":"m.login.password","identifier":"alice","password":"x")",
      R"("type":"m.login.password","identifier":{},"password":"x")",
      R"("type":"m.login.password","identifier":{"type":1},"password":"x")",
      R"("type":"m.login.password","identifier":{"type":"m.id.user"},"password":"x")",
      R"("type":"m.login.password","identifier":{"type":"m.id.user","user":[]},"password":"x")",
      (R"("type":"m.login.password","identifier":{"type":"m.id.thirdparty","medium":"email"},)"
       R"("password":"x")"),
      R"("type":"m.login.password","identifier":{"type":"m.id.phone","phone":"1"},"password":"x")",
      R"("type":"m.login.registration_token")",
      R"("type":"m.login.registration_token","token":{})",
      R"("type":"m.login.recaptcha","response":null)",
      R"("type":"m.login.email.identity")",
      R"("type":"m.login.msisdn","threepid_creds":"x")",
  };
  const auto session = session_of(remove("PHONE"));
  for (const std::string data : stages) {
    const auto with_session = "{\"session\":\"" + session + "\"," + data + "}";
    EXPECT_TRUE(is_error(remove("PHONE", with_auth(with_session)), 400, "M_BAD_JSON")) << data;
    EXPECT_TRUE(is_error(remove("PHONE", with_auth("{" + data + "}")), 400, "M_BAD_JSON")) << data;
  }
  EXPECT_EQ(host.sessions.size(), 1u) << "no session is made for what can't be tried";
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session)))))
      << "none of these counts as a failure";
}

TEST_P(Rows, U4a_HostSaysThatTheDataIsBad) {
  host.flows = {{"x.custom"}};
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_reason(op, view("'x' must be a number.")), MXD_OK);
    return MXD_BAD_DATA;
  };
  const auto refused = remove("PHONE", R"({"auth":{"type":"x.custom"}})");
  EXPECT_TRUE(is_error(refused, 400, "M_BAD_JSON"));
  EXPECT_EQ(refused.json().at("error").get_string(), "'x' must be a number.");
}

TEST_P(Rows, U9_UnknownSession) {
  const auto response = remove("PHONE", with_auth(password_stage("secret-unknown")));
  EXPECT_TRUE(is_challenge(response, {.errcode = "M_FORBIDDEN"}));
  EXPECT_NE(session_of(response), "secret-unknown");
  EXPECT_EQ(host.calls(),
            (Names{"authenticate", "uia_load_session", "uia_flows", "uia_create_session"}))
      << "its credentials are not tried";
  EXPECT_TRUE(is_ok(remove("PHONE", with_auth(password_stage(session_of(response))))));
}

TEST_P(Rows, U9_SessionsThatNobodyHasAreNotAskedAbout) {
  for (const std::string& id : {std::string(256, 's'), std::string("secret-\0", 8)}) {
    host.forget_calls();
    const auto response = remove("PHONE", with_auth(password_stage(id)));
    EXPECT_TRUE(is_challenge(response, {.errcode = "M_FORBIDDEN"}));
    EXPECT_EQ(host.calls(), (Names{"authenticate", "uia_flows", "uia_create_session"}));
    EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(id))), 400, "M_BAD_JSON")) << "D7";
  }
  host.forget_calls();
  remove("PHONE", with_auth(password_stage(std::string(255, 's'))));
  EXPECT_EQ(host.calls().at(1), "uia_load_session") << "one of 255 bytes is";
}

TEST_P(Rows, U16_OrderOfFlowsIsTheHosts) {
  host.flows = {{"z", "m.login.password"}, {"m.login.password"}, {"a"}};
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(is_challenge(remove("PHONE"), {.flows = host.flows}));
}

TEST_P(Rows, U17_NoFlow) {
  host.flows = {};
  EXPECT_TRUE(is_error(remove("PHONE"), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove("PHONE", with_auth(password_stage(""))), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(host.sessions.empty());
}

TEST_P(Rows, U18_AuthOfAWrongType) {
  const char* const values[] = {"1",
                                "\"x\"",
                                "[]",
                                "true",
                                R"({"session":1})",
                                R"({"session":{}})",
                                R"({"session":["x"]})",
                                R"({"type":1})",
                                R"({"type":false,"session":"x"})"};
  for (const char* auth : values) {
    EXPECT_TRUE(is_error(remove("PHONE", with_auth(auth)), 400, "M_BAD_JSON")) << auth;
    EXPECT_TRUE(is_error(remove_many(with_auth(auth, deletion_of({"PHONE"}))), 400, "M_BAD_JSON"))
        << auth;
  }
  EXPECT_TRUE(host.sessions.empty());
}

TEST_P(Rows, U24_UiaNeverSaysUnknownToken) {
  for (const char* callback :
       {"uia_flows", "uia_create_session", "uia_check", "uia_replace_session"}) {
    host.scripts.clear();
    host.scripts[callback] = [this](mxd_op op) {
      mxd_error error{};
      error.size = sizeof error;
      error.http_status = 401;
      error.retry_after_ms = -1;
      error.errcode = view("M_UNKNOWN_TOKEN");
      error.text = view("This would log the client out.");
      EXPECT_EQ(host.module().emit_error(op, &error), MXD_INVALID_ARGUMENT);
      return MXD_HOST_ERROR;
    };
    EXPECT_TRUE(is_error(remove("PHONE", with_auth(password_stage(""))), 500, "M_UNKNOWN"))
        << callback;
    EXPECT_EQ(host.take_misbehaviour().size(), 1u) << callback;
  }
}

}  // namespace
}  // namespace mxd::test
