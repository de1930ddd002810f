// Row U12: how long the body of a session may change.
#include "tests/unit/auth/browser.h"
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

class Lenient : public Rows {
 protected:
  Lenient() { host.config = R"({"fallback_pages":true,"uia":{"body_binding":"lenient"}})"; }

  Response alone(const std::string& session, const Names& ids) {
    return remove_many(with_auth(session_alone(session), deletion_of(ids)));
  }
};

const Challenge kNothingYet{.completed = Names{}};

TEST_P(Lenient, U12_UntilTheFlowIsComplete) {
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session), deletion_of({"TABLET"})))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
  EXPECT_TRUE(is_error(alone(session, {"PHONE"}), 403, "M_FORBIDDEN"))
      << "never after: not even the body that it was begun for";
  EXPECT_TRUE(is_ok(alone(session, {"TABLET"})));
  EXPECT_TRUE(is_ok(remove_many(with_auth(session_alone(session)))));
  EXPECT_EQ(host.deleted, Names{"TABLET"}) << "the body kept is the one it was finished for";
}

TEST_P(Lenient, U12_AboutTheBodyOnly) {
  const auto session = session_of(remove("TABLET"));
  EXPECT_TRUE(is_error(remove("LAPTOP", with_auth(password_stage(session))), 403, "M_FORBIDDEN"));
}

TEST_P(Lenient, U12_StrictByDefault) {
  host.config = "";
  const auto session = begin({"TABLET"});
  EXPECT_TRUE(is_error(alone(session, {"LAPTOP"}), 403, "M_FORBIDDEN"));
}

TEST_P(Lenient, U12_AChangedBodyIsKeptFirst) {
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(is_challenge(alone(session, {"TABLET"}), kNothingYet));  // U7
  EXPECT_EQ(host.sessions.at(session).revision, 2);
  EXPECT_TRUE(is_challenge(alone(session, {"TABLET"}), kNothingYet));
  EXPECT_EQ(host.sessions.at(session).revision, 2) << "nothing has changed";
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session))))) << "U8";
  EXPECT_EQ(host.deleted, Names{"TABLET"});
}

TEST_P(Lenient, U12_ABodyChangedByAStageIsKept) {
  host.flows = {{"m.login.dummy", "m.login.password"}};
  const auto session = begin({"PHONE"});
  EXPECT_TRUE(
      is_challenge(remove_many(with_auth(stage(session, "m.login.dummy"), deletion_of({"TABLET"}))),
                   {.flows = host.flows, .completed = Names{"m.login.dummy"}}));  // U5
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
}

TEST_P(Lenient, U12_WrongCredentialsChangeNothing) {
  const auto session = begin({"TABLET"});
  remove_many(with_auth(password_stage(session, "alice", "secret-wrong"), deletion_of({"PHONE"})));
  EXPECT_EQ(host.sessions.at(session).revision, 1);
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
}

TEST_P(Lenient, U12_SealedByAStageElsewhere) {
  host.flows = {{"m.login.sso"}, {"m.login.password"}};
  const auto session = begin({"TABLET"});
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_error(alone(session, {"LAPTOP"}), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove_many(with_auth(password_stage(session), deletion_of({"LAPTOP"}))),
                       403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_ok(alone(session, {"TABLET"})));
  EXPECT_EQ(host.deletions, 1);
}

TEST_P(Lenient, U12_NotSealedByAPartOfAFlow) {
  host.flows = {{"m.login.sso", "m.login.password"}};
  const auto session = begin({"TABLET"});
  host.sessions[session].elsewhere = {{"m.login.sso", kAlice}};
  EXPECT_TRUE(is_challenge(alone(session, {"LAPTOP"}),
                           {.flows = host.flows, .completed = Names{"m.login.sso"}}));
  EXPECT_TRUE(is_ok(remove_many(with_auth(password_stage(session)))));
  EXPECT_EQ(host.deleted, Names{"LAPTOP"});
}

// Pages of the host's own show the description.
TEST_P(Lenient, U12_DescribesNoNumberThatMayChange) {
  EXPECT_EQ(host.sessions.at(begin({"TABLET"})).description, "Sign out devices");
  EXPECT_EQ(host.sessions.at(begin({"PHONE", "TABLET"})).description, "Sign out devices");
  EXPECT_EQ(host.sessions.at(session_of(remove("TABLET"))).description, "Sign out one device")
      << "the ID in the path can't change";
}

// The page said "Sign out one device", got the password, and three were deleted.
TEST_P(Lenient, U12_SealedByThePage) {
  const auto session = begin({"TABLET"});
  Browser browser(host, session, "m.login.password");
  EXPECT_EQ(browser.open().status, 200);
  EXPECT_EQ(browser.submit("password=" + std::string(kAlicePassword)).status, 200);
  EXPECT_TRUE(is_error(alone(session, {"LAPTOP", "PHONE", "TABLET"}), 403, "M_FORBIDDEN"));
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(alone(session, {"TABLET"})));
  EXPECT_EQ(host.deleted, Names{"TABLET"});
}

// A page that was opened, and a body that was changed before the password came.
TEST_P(Lenient, U12_ThePageSealsTheBodyThatIsKeptThen) {
  const auto session = begin({"TABLET"});
  Browser browser(host, session, "m.login.password");
  browser.open();
  EXPECT_TRUE(is_challenge(alone(session, {"LAPTOP", "TABLET"}), kNothingYet));
  EXPECT_EQ(browser.submit("password=" + std::string(kAlicePassword)).status, 200);
  EXPECT_TRUE(is_error(alone(session, {"TABLET"}), 403, "M_FORBIDDEN"));
  EXPECT_TRUE(is_ok(alone(session, {"LAPTOP", "TABLET"})));
}

INSTANTIATE_TEST_SUITE_P(Completion, Lenient, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
