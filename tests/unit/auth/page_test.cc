// Row F1: what the fallback page says, and in which language.
#include "module/auth/page_texts.h"

#include <algorithm>

#include "tests/unit/auth/browser.h"
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

constexpr const char* kOfYourAccount = "signs out devices of your account";

bool says(const Response& page, std::string_view text) {
  return page.body.find(text) != page.body.npos;
}

class Pages : public Rows {
 protected:
  Pages() { host.config = R"({"fallback_pages":true,"server_name":"example.org"})"; }

  Response open(const std::string& session, const std::string& languages = "") {
    return Browser(host, session, "m.login.password").open(languages);
  }
};

TEST_P(Pages, F1_NamesTheDeviceOfThePath) {
  const auto page = open(session_of(remove("LAPTOP")));
  EXPECT_TRUE(is_page(page, 200, "LAPTOP"));
  EXPECT_TRUE(says(page, "Alice&#39;s laptop")) << page;
  EXPECT_TRUE(says(page, "signs out this device")) << page;
  EXPECT_FALSE(says(page, kOfYourAccount));
  EXPECT_TRUE(says(page, "example.org")) << "the server";
  EXPECT_TRUE(says(page, "@alice:test"));
}

TEST_P(Pages, F1_NamesTheDevicesOfTheKeptBody) {
  const auto page = open(begin({"TABLET", "LAPTOP", "PHONE", "LAPTOP"}));
  for (const char* text : {"LAPTOP", "Alice&#39;s laptop", "PHONE", "TABLET"})
    EXPECT_TRUE(says(page, text)) << text << " in " << page;
  EXPECT_TRUE(says(page, "signs out these devices"));
}

TEST_P(Pages, F1_TextOfDevicesIsEscaped) {
  host.users[kAlice].devices["<b>&\"'"] = {.display_name = "<script>alert(1)</script>"};
  const auto page = open(begin({"<b>&\"'"}));
  EXPECT_TRUE(says(page, "&lt;b&gt;&amp;&quot;&#39;")) << page;
  EXPECT_TRUE(says(page, "&lt;script&gt;alert(1)")) << page;
  EXPECT_FALSE(says(page, "<script>alert"));
}

TEST_P(Pages, F1_NamesTenDevicesAtMost) {
  Names ids;
  for (int i = 10; i < 23; ++i) {
    ids.push_back("DEVICE" + std::to_string(i));
    host.users[kAlice].devices[ids.back()] = {};
  }
  const auto ten = open(begin({ids.begin(), ids.begin() + 10}));
  EXPECT_TRUE(says(ten, "DEVICE19"));
  EXPECT_FALSE(says(ten, "more"));
  const std::string session = begin(ids);
  host.forget_calls();
  const auto page = open(session);
  const auto calls = host.calls();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "get_device"), 10);
  EXPECT_TRUE(says(page, "DEVICE19"));
  EXPECT_FALSE(says(page, "DEVICE20"));
  EXPECT_TRUE(says(page, "and 3 more")) << page;
}

TEST_P(Pages, F1_WhereItIsNotKnownWhich) {
  EXPECT_TRUE(is_page(open(begin({std::string(70'000, 'x'), "TABLET"})), 200, kOfYourAccount))
      << "the body was too large to be kept";
  host.restart();
  host.config = R"({"fallback_pages":true,"uia":{"body_binding":"lenient"}})";
  const auto lenient = open(begin({"LAPTOP", "TABLET"}));
  EXPECT_TRUE(is_page(lenient, 200, kOfYourAccount));
  EXPECT_FALSE(says(lenient, "LAPTOP") || says(lenient, " 2 ")) << "no count that may change";
  EXPECT_TRUE(is_page(open(session_of(remove("LAPTOP"))), 200, "LAPTOP"))
      << "that of the path can't change";
}

TEST_P(Pages, F1_WithoutANameOfTheServer) {
  host.config = R"({"fallback_pages":true})";
  EXPECT_FALSE(says(open(session_of(remove("LAPTOP"))), "Server:"));
}

TEST_P(Pages, F1_Languages) {
  const std::string session = session_of(remove("LAPTOP"));
  const struct {
    const char* asked;
    const char* language;
  } cases[] = {{"", "en"},
               {"en", "en"},
               {"de", "de"},
               {"DE-ch", "de"},
               {"fr-CA, en;q=0.5", "fr"},
               {"es, it", "en"},
               {"es, de;q=0.5, fr;q=0.9", "fr"},
               {"de;q=0, fr;q=0.1", "fr"},
               {"de;q=0", "en"},
               {"den", "en"},
               {"*", "en"},
               {" , ;;q=, de ; q=0.3 ,", "de"},
               {"de;q=x, fr;q=nan", "en"}};
  for (const auto& row : cases) {
    const auto page = open(session, row.asked);
    EXPECT_TRUE(is_page(page, 200, std::string("<html lang=\"") + row.language + "\""))
        << "asked for " << row.asked;
    EXPECT_EQ(says(page, ">Abmelden<"), std::string(row.language) == "de");
    EXPECT_EQ(says(page, ">Déconnecter<"), std::string(row.language) == "fr");
    EXPECT_EQ(says(page, ">Sign out<"), std::string(row.language) == "en");
  }
}

TEST_P(Pages, F1_EveryPageIsInTheLanguage) {
  const std::string session = session_of(remove("LAPTOP"));
  Browser browser(host, session, "m.login.password");
  browser.open();
  Request form = browser.form("password=secret-wrong");
  form.headers = {{"Accept-Language", "fr"}};
  EXPECT_TRUE(is_page(host.send(form), 401, "Le mot de passe est incorrect"));
  form = browser.form("password=secret-alice");
  form.headers = {{"Accept-Language", "de"}};
  EXPECT_TRUE(is_page(host.send(form), 200, "Dieser Schritt ist getan"));
  EXPECT_TRUE(is_page(Browser(host, "nobody", "m.login.password").open("de"), 404, "abgelaufen"));
}

TEST(PageTexts, NoneIsMissing) {
  for (const char* language : {"en", "de", "fr"}) {
    const auth::PageTexts& texts = auth::choose_texts(language);
    EXPECT_EQ(texts.language, language);
    const auto* const first = &texts.language;
    constexpr size_t kCount = sizeof texts / sizeof *first;  // all are texts
    for (size_t i = 0; i < kCount; ++i)
      EXPECT_FALSE(first[i].empty()) << language << ", text " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Completion, Pages, kBothModes, mode_name);

}  // namespace
}  // namespace mxd::test
