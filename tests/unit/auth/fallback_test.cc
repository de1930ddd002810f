// Rows F1 to F3: the fallback page, for the stages that the specification gives one.
#include "tests/unit/auth/browser.h"
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

class FallbackRows : public Rows {
 protected:
  FallbackRows() { host.config = R"({"fallback_pages":true})"; }
};

TEST_P(FallbackRows, F1_OffUnlessTurnedOn) {
  host.config = "";
  EXPECT_EQ(host.start({.target = "/_matrix/client/v3/auth/m.login.password/fallback/web"}, 1),
            MXD_NOT_MINE);
}

TEST_P(FallbackRows, F1_OtherMethods) {
  const std::string target = "/_matrix/client/v3/auth/m.login.password/fallback/web?session=x";
  const auto refused = host.send({.method = "PUT", .target = target});
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_TRUE(is_page(host.send({.method = "HEAD", .target = target}), 404, "expired"));
}

TEST_P(FallbackRows, F1_ATypeWithoutAPageIsNotOurs) {
  host.flows = {{"m.login.sso"}, {"m.login.recaptcha", "m.login.password"}, {"x.custom"}};
  const std::string session = session_of(remove("LAPTOP"));
  for (const std::string type : {"m.login.sso", "m.login.recaptcha", "m.login.dummy", "x.custom",
                                 "m.login.passwor", "", "%zz", "m.login.password%2F"}) {
    const std::string target =
        "/_matrix/client/v3/auth/" + type + "/fallback/web?session=" + session;
    for (const char* method : {"GET", "POST", "OPTIONS", "PUT"}) {
      EXPECT_EQ(host.start({.method = method, .target = target}, 1), MXD_NOT_MINE)
          << method << " " << type << ": the host's own page is not shadowed";
    }
  }
}

TEST_P(FallbackRows, F1_Password) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  const auto page = browser.open();
  EXPECT_TRUE(is_page(page, 200, "@alice:test"));
  EXPECT_TRUE(is_page(browser.submit("password=secret-wrong"), 401, "role=\"alert\""));
  EXPECT_TRUE(is_page(browser.submit("password=" + std::string(kAlicePassword)), 200, "authDone"));
  EXPECT_FALSE(host.sessions.at(session).finished) << "the client finishes it";
  EXPECT_TRUE(is_page(browser.open(), 200, "authDone")) << "a completed stage stays so";
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(session_alone(session)))));
  EXPECT_TRUE(is_page(browser.open(), 404, "expired")) << "F2: finished";
}

TEST_P(FallbackRows, F1_TermsThenPassword) {
  host.flows = {{"m.login.terms", "m.login.password"}};
  host.params = {{"m.login.terms", R"json({"policies": {
    "privacy": {"version": "1", "fr": {"name": "Non", "url": "https://example.org/fr"},
                "en": {"name": "Privacy <b> & \"more\"", "url": "https://example.org/?a=1&b='"}},
    "bad": {"en": {"name": "No", "url": "javascript:alert(1)"}}}})json"}};
  const std::string session = session_of(remove("LAPTOP"));
  Browser terms(host, session, "m.login.terms");
  EXPECT_TRUE(is_page(Browser(host, session, "m.login.password").open(), 404, "expired"))
      << "U14: not due yet";
  const auto page = terms.open();
  EXPECT_TRUE(is_page(page, 200, "href=\"https://example.org/?a=1&amp;b=&#39;\""));
  EXPECT_TRUE(is_page(page, 200, "Privacy &lt;b&gt; &amp; &quot;more&quot;"));
  EXPECT_EQ(page.body.find("javascript:"), page.body.npos) << "only web pages are linked";
  EXPECT_TRUE(is_page(terms.submit("accept=no"), 400, "role=\"alert\""));
  EXPECT_TRUE(is_page(terms.submit("accept=yes"), 200, "authDone"));
  EXPECT_TRUE(is_page(terms.open(), 200, "authDone")) << "a completed stage stays so";
  EXPECT_TRUE(is_challenge(
      remove("LAPTOP", with_auth(session_alone(session))),
      {.flows = {{"m.login.terms", "m.login.password"}}, .completed = Names{"m.login.terms"}}));
  EXPECT_TRUE(is_ok(remove("LAPTOP", with_auth(password_stage(session)))));
}

TEST_P(FallbackRows, F1_RegistrationToken) {
  host.flows = {{"m.login.registration_token", "m.login.password"}};
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.registration_token");
  EXPECT_TRUE(is_page(browser.open(), 200, "Registration token"));
  EXPECT_TRUE(is_page(browser.submit("token="), 400, "role=\"alert\""));
  EXPECT_TRUE(is_page(browser.submit("token=secret-no"), 401, "role=\"alert\""));
  EXPECT_TRUE(is_page(browser.submit("token=secret-invitation"), 200, "authDone"));
  EXPECT_TRUE(
      is_challenge(remove("LAPTOP", with_auth(session_alone(session))),
                   {.flows = host.flows, .completed = Names{"m.login.registration_token"}}));
}

TEST_P(FallbackRows, F2_NothingThere) {
  const std::string session = session_of(remove("LAPTOP"));
  for (const char* type : {"m.login.terms", "m.login.registration_token"})
    EXPECT_TRUE(is_page(Browser(host, session, type).open(), 404, "expired")) << type;
  EXPECT_TRUE(is_page(Browser(host, "nobody", "m.login.password").open(), 404, "expired"));
  EXPECT_TRUE(
      is_page(Browser(host, session + "&session=x", "m.login.password").open(), 404, "expired"));
  host.now_ms += 3'600'000;
  EXPECT_TRUE(is_page(Browser(host, session, "m.login.password").open(), 404, "expired"));
}

TEST_P(FallbackRows, F3_FormOfItsOwnPage) {
  const std::string session = session_of(remove("LAPTOP"));
  const std::string other = session_of(remove("TABLET"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  const std::string password = "password=" + std::string(kAlicePassword);
  EXPECT_TRUE(is_page(browser.submit_alone(password), 403, "start again"));
  EXPECT_TRUE(is_page(browser.submit_alone(password + "&form_token=0"), 403, "start again"));
  Browser another(host, other, "m.login.password");
  another.open();
  ASSERT_EQ(another.form_token().size(), browser.form_token().size());
  EXPECT_TRUE(is_page(browser.submit_alone(password + "&form_token=" + another.form_token()), 403,
                      "start again"))
      << "that of another session";
  EXPECT_EQ(host.sessions.at(session).revision, 1);
}

TEST_P(FallbackRows, F3_AFormTokenIsRightInEveryByte) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  const std::string right = browser.form_token();
  EXPECT_GE(right.size(), 22u) << "128 bits or more";
  for (size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_TRUE(is_page(
        browser.submit_alone("password=" + std::string(kAlicePassword) + "&form_token=" + wrong),
        403, "start again"))
        << "wrong at " << i;
  }
  EXPECT_EQ(host.sessions.at(session).revision, 1);
  EXPECT_TRUE(is_page(browser.submit("password=" + std::string(kAlicePassword)), 200, "authDone"));
}

TEST_P(FallbackRows, F3_CredentialsOfAnother) {  // U6
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  host.scripts["uia_check"] = [this](mxd_op op) {
    EXPECT_EQ(host.module().emit_identity(op, view(kBob)), MXD_OK);
    return MXD_OK;
  };
  EXPECT_TRUE(is_page(browser.submit("password=x"), 403, "role=\"alert\""));
  EXPECT_EQ(host.sessions.at(session).revision, 1);
}

TEST_P(FallbackRows, F3_GuessesCountWithTheOthers) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  const std::string guess = with_auth(password_stage(session, "alice", "secret-guess"));
  EXPECT_TRUE(is_page(browser.submit("password=secret-1"), 401, "wrong"));
  EXPECT_EQ(remove("LAPTOP", guess).status, 401);
  EXPECT_TRUE(is_page(browser.submit("password=secret-2"), 401, "wrong"));
  const auto limited = browser.submit("password=" + std::string(kAlicePassword));
  EXPECT_TRUE(is_page(limited, 429, "role=\"alert\""));
  EXPECT_EQ(limited.header("Retry-After"), "6");
}

TEST_P(FallbackRows, F3_HostFails) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  host.scripts["uia_check"] = [](mxd_op) { return MXD_UNAVAILABLE; };
  EXPECT_TRUE(is_page(browser.submit("password=secret-x"), 503, "That did not work"));
}

TEST_P(FallbackRows, F3_ASessionThatChangesMeanwhile) {  // U26
  const std::string session = session_of(remove("LAPTOP"));
  const std::string password = "password=" + std::string(kAlicePassword);
  Browser browser(host, session, "m.login.password");
  browser.open();
  host.before["uia_replace_session"] = [&] { ++host.sessions[session].revision; };
  EXPECT_TRUE(is_page(browser.submit(password), 200, "authDone"));
  const std::string denied = session_of(remove("LAPTOP"));
  Browser twice(host, denied, "m.login.password");
  twice.open();
  host.denials["uia_replace_session"] = MXD_CONFLICT;
  EXPECT_TRUE(is_page(twice.submit(password), 200, "authDone"));
  EXPECT_EQ(host.sessions.at(denied).revision, 2) << "a stage that is kept is not written again";
  host.denials.clear();
  Browser gone(host, session_of(remove("LAPTOP")), "m.login.password");
  gone.open();
  host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_NOT_FOUND; };
  EXPECT_TRUE(is_page(gone.submit(password), 404, "expired"));
  host.scripts["uia_replace_session"] = [](mxd_op) { return MXD_CONFLICT; };
  EXPECT_TRUE(is_page(gone.submit(password), 503, "That did not work"));
  EXPECT_EQ(host.take_misbehaviour().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Completion, FallbackRows, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
