// Rows U2, U19: what a client writes under `auth`, and what of it the host is told.
#include <boost/json/parse.hpp>

#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

namespace json = boost::json;

class Credentials : public Rows {
 protected:
  Response attempt(const std::string& auth) {
    host.attempt = {};
    return remove("NOSUCH", with_auth(auth));
  }

  // The object that the host was given.
  json::object told() const { return json::parse(host.attempt.auth_json).as_object(); }

  // What the host is told of a password stage with this identifier, or `user`.
  void tell(const std::string& members) {
    host.config = kNoLimit;
    attempt(R"({"type":"m.login.password","password":"secret-alice",)" + members + "}");
    EXPECT_EQ(host.attempt.type, "m.login.password") << members << " was not asked about";
    EXPECT_EQ(host.attempt.password, "secret-alice") << members;
  }

  static constexpr const char* kNoLimit =
      R"({"limits":{"uia_failures":{"burst":1000,"interval_ms":1},)"
      R"("uia_challenges":{"burst":1000,"interval_ms":1}}})";
};

TEST_P(Credentials, PasswordWithEveryKindOfIdentifier) {
  const char* const identifiers[] = {
      R"({"type":"m.id.user","user":"alice"})",
      R"({"type":"m.id.user","user":"@alice:test"})",
      R"({"type":"m.id.thirdparty","medium":"email","address":"alice@example.org"})",
      R"({"type":"m.id.phone","country":"GB","phone":"447700900123"})",
  };
  for (const std::string identifier : identifiers) {
    EXPECT_TRUE(is_ok(attempt(R"({"type":"m.login.password","identifier":)" + identifier +
                              R"(,"password":"secret-alice"})")))
        << identifier;
  }
}

TEST_P(Credentials, TheHostIsToldWhatEachIdentifierSays) {
  tell(R"("identifier":{"type":"m.id.user","user":"Alice"})");
  EXPECT_EQ(host.attempt.user, "Alice") << "as the client wrote it";
  EXPECT_EQ(host.attempt.medium, std::nullopt);

  tell(R"("identifier":{"type":"m.id.thirdparty","medium":"email","address":"A@Example.org"})");
  EXPECT_EQ(host.attempt.user, std::nullopt);
  EXPECT_EQ(host.attempt.medium, "email");
  EXPECT_EQ(host.attempt.address, "A@Example.org");
  EXPECT_EQ(host.attempt.country, std::nullopt);

  tell(R"("identifier":{"type":"m.id.phone","country":"GB","phone":"07700 900123"})");
  EXPECT_EQ(host.attempt.user, std::nullopt);
  EXPECT_EQ(host.attempt.medium, "msisdn");
  EXPECT_EQ(host.attempt.address, "07700 900123");
  EXPECT_EQ(host.attempt.country, "GB");

  tell(R"("identifier":{"type":"x.badge","number":7,"user":"alice","address":"b"})");
  EXPECT_EQ(host.attempt.user, std::nullopt) << "of an unknown kind, none but the password";
  EXPECT_EQ(host.attempt.medium, std::nullopt);
  EXPECT_EQ(host.attempt.country, std::nullopt);
  EXPECT_EQ(told().at("identifier").at("number").as_int64(), 7) << "it stands in auth_json";

  tell(R"("identifier":{"type":"m.id.user","user":""})");
  EXPECT_EQ(host.attempt.user, "") << "there, and empty";
}

TEST_P(Credentials, WhoAsksAndWhence) {
  const auto challenge = remove("NOSUCH");
  attempt(password_stage(session_of(challenge)));
  EXPECT_EQ(host.attempt.user_id, kAlice);
  EXPECT_EQ(host.attempt.device_id, "PHONE");
  EXPECT_EQ(host.attempt.session_id, session_of(challenge));
  EXPECT_EQ(host.attempt.remote_addr, "192.0.2.1");
  attempt(password_stage(""));
  EXPECT_EQ(host.sessions.count(host.attempt.session_id), 1u) << "also without a session of theirs";
}

TEST_P(Credentials, NoOtherStageHasCredentialsOfItsOwn) {
  host.flows = {{"x.custom"}};
  attempt(R"({"type":"x.custom","password":"secret-alice","user":"alice",)"
          R"("identifier":{"type":"m.id.user","user":"alice"},"n":[1,{"a":2}]})");
  EXPECT_EQ(host.attempt.type, "x.custom");
  EXPECT_EQ(host.attempt.user, std::nullopt);
  EXPECT_EQ(host.attempt.medium, std::nullopt);
  EXPECT_EQ(host.attempt.password, std::nullopt);
  EXPECT_EQ(told().at("n"), json::parse(R"([1,{"a":2}])")) << "the whole object";
}

// ---- U2 ----

TEST_P(Credentials, U2_NoSessionAndNoType) {
  EXPECT_TRUE(is_challenge(remove("PHONE", R"({"auth":{"session":null,"type":null}})")));
  EXPECT_TRUE(is_challenge(remove("PHONE", R"({"auth":{"type":null,"password":"x"}})")));
  const auto session = session_of(remove("PHONE"));
  EXPECT_TRUE(
      is_challenge(remove("PHONE", R"({"auth":{"type":null,"session":")" + session + "\"}}"),
                   {.completed = Names{}}))
      << "U7";
}

// Every member that may be null, of every stage: as if it were not there.
TEST_P(Credentials, U2_NullMembersOfAuth) {
  host.config = kNoLimit;
  host.flows = {{"m.login.password"},
                {"m.login.registration_token", "m.login.password"},
                {"m.login.recaptcha", "m.login.password"},
                {"m.login.terms", "m.login.password"},
                {"m.login.dummy", "m.login.password"},
                {"m.login.email.identity"},
                {"m.login.msisdn"},
                {"m.login.sso"},
                {"x.custom"}};
  const char* const stages[] = {
      R"("type":"m.login.password","password":"x","identifier":{"type":"m.id.user","user":"a"})",
      R"("type":"m.login.registration_token","token":"x")",
      R"("type":"m.login.recaptcha","response":"x")",
      R"("type":"m.login.terms")",
      R"("type":"m.login.dummy")",
      R"("type":"m.login.email.identity","threepid_creds":{"sid":"1"})",
      R"("type":"m.login.msisdn","threepid_creds":{"sid":"1"})",
      R"("type":"m.login.sso")",
      R"("type":"x.custom","x":1)",
  };
  const char* const members[] = {"session",        "identifier", "user",      "password", "token",
                                 "threepid_creds", "response",   "x.unheard", "address",  "medium"};
  for (const std::string stage : stages) {
    attempt("{" + stage + "}");
    const json::object expected = told();
    for (const std::string member : members) {
      if (stage.find("\"" + member + "\":") != stage.npos) continue;  // it has one
      attempt("{" + stage + ",\"" + member + "\":null}");
      EXPECT_EQ(told(), expected) << stage << " with null for " << member;
    }
  }
}

TEST_P(Credentials, U2_NullMembersOfTheIdentifier) {
  const char* const kinds[] = {
      R"("type":"m.id.user","user":"alice")",
      R"("type":"m.id.thirdparty","medium":"email","address":"a")",
      R"("type":"m.id.phone","country":"GB","phone":"1")",
      R"("type":"x.other","n":1)",
  };
  for (const std::string kind : kinds) {
    tell("\"identifier\":{" + kind + "}");
    const Attempt expected = host.attempt;
    for (const std::string member : {"user", "medium", "address", "country", "phone", "x"}) {
      if (kind.find("\"" + member + "\":") != kind.npos) continue;
      tell("\"identifier\":{" + kind + ",\"" + member + "\":null}");
      EXPECT_EQ(json::parse(host.attempt.auth_json), json::parse(expected.auth_json))
          << kind << " with null for " << member;
      EXPECT_EQ(host.attempt.user, expected.user);
      EXPECT_EQ(host.attempt.medium, expected.medium);
      EXPECT_EQ(host.attempt.country, expected.country);
    }
  }
}

TEST_P(Credentials, U2_NullWhereAMemberIsNeeded) {
  host.flows = {{"m.login.password"},
                {"m.login.registration_token", "m.login.password"},
                {"m.login.recaptcha", "m.login.password"},
                {"m.login.email.identity"}};
  const char* const stages[] = {
      R"("type":"m.login.password","password":null,"user":"alice")",
      R"("type":"m.login.password","password":"x","identifier":null,"user":null)",
      R"("type":"m.login.password","password":"x","identifier":{"type":null,"user":"alice"})",
      R"("type":"m.login.password","password":"x","identifier":{"type":"m.id.user","user":null})",
      R"("type":"m.login.password","password":"x",)"
      R"("identifier":{"type":"m.id.thirdparty","medium":"email","address":null})",
      R"("type":"m.login.password","password":"x",)"
      R"("identifier":{"type":"m.id.phone","country":null,"phone":"1"})",
      R"("type":"m.login.registration_token","token":null)",
      R"("type":"m.login.recaptcha","response":null)",
      R"("type":"m.login.email.identity","threepid_creds":null)",
  };
  for (const std::string stage : stages)
    EXPECT_TRUE(is_error(attempt("{" + stage + "}"), 400, "M_BAD_JSON")) << stage << ": U4a";
}

// ---- U19 ----

TEST_P(Credentials, U19_OldStyleUser) {
  for (const char* identifier : {"", R"("identifier":null,)"}) {
    tell(std::string(identifier) + R"("user":"alice")");
    EXPECT_EQ(host.attempt.user, "alice");
    EXPECT_EQ(told(), json::parse(R"({"type":"m.login.password","password":"secret-alice",)"
                                  R"("identifier":{"type":"m.id.user","user":"alice"}})"))
        << "it has become an identifier";
  }
  EXPECT_TRUE(is_ok(
      attempt(R"({"type":"m.login.password","password":"secret-alice","user":"@alice:test"})")));
}

TEST_P(Credentials, U19_AnIdentifierThatIsThereWinsWhole) {
  tell(R"("user":"bob","identifier":{"type":"m.id.user","user":"@alice:test"})");
  EXPECT_EQ(host.attempt.user, "@alice:test");
  tell(R"("user":"bob","identifier":{"type":"m.id.thirdparty","medium":"email","address":"a"})");
  EXPECT_EQ(host.attempt.user, std::nullopt);
  for (const char* identifier : {R"({"type":"m.id.user"})", R"({"type":"m.id.user","user":null})",
                                 "{}", R"({"user":"x"})"}) {
    EXPECT_TRUE(is_error(attempt(R"({"type":"m.login.password","password":"secret-alice",)"
                                 R"("user":"alice","identifier":)" +
                                 std::string(identifier) + "}"),
                         400, "M_BAD_JSON"))
        << identifier << " without a user of its own: U4a";
  }
}

INSTANTIATE_TEST_SUITE_P(Completion, Credentials, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
