// Rows F1 to F3: the fallback page, for the stages that the specification gives one.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

// A browser that has the page of one stage of one session open.
class Browser {
 public:
  Browser(FakeHost& host, std::string_view session, std::string_view type)
      : host_(host),
        target_("/_matrix/client/v3/auth/" + std::string(type) +
                "/fallback/web?session=" + std::string(session)) {}

  Response open() {
    const Response page = host_.send({.target = target_});
    form_token_ = between(page.body, "name=\"form_token\" value=\"", "\"");
    return page;
  }
  Response submit(const std::string& fields) {
    return host_.send(
        {.method = "POST", .target = target_, .body = "form_token=" + form_token_ + "&" + fields});
  }
  Response submit_alone(const std::string& fields) {
    return host_.send({.method = "POST", .target = target_, .body = fields});
  }

 private:
  static std::string between(const std::string& text, std::string_view before,
                             std::string_view after) {
    const auto begin = text.find(before);
    if (begin == text.npos) return {};
    const auto from = begin + before.size();
    return text.substr(from, text.find(after, from) - from);
  }

  FakeHost& host_;
  std::string target_;
  std::string form_token_;
};

testing::AssertionResult is_page(const Response& response, int status, std::string_view text) {
  if (response.status == status && response.body.find(text) != response.body.npos &&
      response.header("Content-Type") == "text/html; charset=utf-8" &&
      response.header("Cache-Control") == "no-store" &&
      response.header("X-Frame-Options") == "DENY" &&
      !response.header("Access-Control-Allow-Origin").has_value()) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "expected a page, " << status << ", with \"" << text << "\", got " << response;
}

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
  EXPECT_TRUE(is_page(refused, 405, "That did not work"));
  EXPECT_EQ(refused.header("Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_TRUE(is_page(host.send({.method = "HEAD", .target = target}), 404, "expired"));
}

TEST_P(FallbackRows, F1_Password) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  const auto page = browser.open();
  EXPECT_TRUE(is_page(page, 200, "Sign out one device, as <b>@alice:test</b>"));
  EXPECT_TRUE(is_page(browser.submit("password=secret-wrong"), 401, "role=\"alert\""));
  EXPECT_TRUE(is_page(browser.submit("password=" + std::string(kAlicePassword)), 200, "authDone"));
  EXPECT_FALSE(host.sessions.at(session).finished_ms.has_value()) << "the client finishes it";
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
  EXPECT_EQ(host.sessions.at(session).completed.size(), 1u);
}

TEST_P(FallbackRows, F2_NothingThere) {
  const std::string session = session_of(remove("LAPTOP"));
  for (const char* type : {"m.login.terms", "m.login.sso", "m.login.registration_token", "%zz"})
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
  EXPECT_TRUE(is_page(another.submit(password), 403, "start again"));
  EXPECT_TRUE(host.sessions.at(session).completed.empty());
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

INSTANTIATE_TEST_SUITE_P(Completion, FallbackRows, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
