// Anything can come in as `auth`: each value gets its row's answer, and the next request works.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += text;
  return out;
}

// What a value of `auth` is answered with: a challenge, or an error.
struct Answer {
  int status;
  const char* errcode;  // empty: none
};

struct BadAuth {
  std::string auth;
  Answer answer;
};

const Answer kChallenge{401, ""};
const Answer kUnknownSession{401, "M_FORBIDDEN"};
const Answer kWrongType{400, "M_BAD_JSON"};
const Answer kNotJson{400, "M_NOT_JSON"};

std::vector<BadAuth> bad_auths() {
  const std::string password = R"("type":"m.login.password","password":"x","user":"alice")";
  return {
      // U18
      {"true", kWrongType},
      {"-0.0", kWrongType},
      {"1e400", kWrongType},
      {"[{}]", kWrongType},
      {R"("{\"session\":\"x\"}")", kWrongType},
      {R"({"session":0})", kWrongType},
      {R"({"session":[]})", kWrongType},
      {R"({"type":{}})", kWrongType},
      {R"({"type":"m.login.password","session":false})", kWrongType},
      // U1
      {"{}", kChallenge},
      {R"({"":""})", kChallenge},
      {R"({"Session":1,"TYPE":2})", kChallenge},
      {R"({"password":"x"})", kChallenge},
      // U9
      {R"({"session":""})", kUnknownSession},
      {R"({"session":"\u0000"})", kUnknownSession},
      {R"({"session":"\r\n\u007f"})", kUnknownSession},
      {R"({"session":"' OR 1=1 --"})", kUnknownSession},
      {R"({"session":"../../etc/passwd"})", kUnknownSession},
      {R"({"session":"\ud83d\udcf1"})", kUnknownSession},
      {R"({"session":"secret-session-1 "})", kUnknownSession},
      {"{\"session\":\"" + std::string(500'000, 's') + "\"}", kUnknownSession},
      // U14: with a session of their own, and not tried
      {R"({"type":""})", kUnknownSession},
      {R"({"type":"\u0000m.login.password"})", kUnknownSession},
      {R"({"type":"M.LOGIN.PASSWORD"})", kUnknownSession},
      {R"({"type":")" + std::string(500'000, 't') + "\"}", kUnknownSession},
      // U4: wrong, and counted
      {"{" + password + R"(,"identifier":{"type":"x"}})", kUnknownSession},
      {R"({"type":"m.login.password","user":"\u0000","password":"\u0000"})", kUnknownSession},
      {R"({"type":"m.login.password","user":"alice","password":")" + std::string(500'000, 'p') +
           "\"}",
       kUnknownSession},
      // U4a
      {R"({"type":"m.login.password"})", kWrongType},
      {R"({"type":"m.login.password","password":{},"user":"alice"})", kWrongType},
      {"{" + password + R"(,"identifier":7})", kWrongType},
      // P10
      {R"({"session":"x","session":"x"})", kWrongType},
      {R"({"session":"\ud83d"})", kWrongType},
      {R"({"session":"\udcf1"})", kWrongType},
      {R"({"\ud83d":1})", kWrongType},
      {"{\"session\":\"\xF0\x9F\"}", kNotJson},
      {"{\"session\":\"\xFF\"}", kNotJson},
      {"{\"\xC3\":1}", kNotJson},
      {"{\"session\":\"a\x01\"}", kNotJson},
      {R"({"session":"x)", kNotJson},
      {R"({"session":'x'})", kNotJson},
      {"{\"session\":\"\\x41\"}", kNotJson},
      {"nul", kNotJson},
      {"", kNotJson},
      // L3: `auth` itself is the second level
      {R"({"x":)" + repeated("[", 30) + repeated("]", 30) + "}", kChallenge},
      {R"({"x":)" + repeated("[", 31) + repeated("]", 31) + "}", kWrongType},
      {repeated(R"({"auth":)", 100'000) + "1" + repeated("}", 100'000), kWrongType},
      {repeated("[", 300'000), kWrongType},
  };
}

std::string cut(const std::string& text) {
  return text.size() <= 80 ? text : text.substr(0, 80) + "…";
}

TEST_P(Rows, BadInputAsAuth) {
  host.config = R"({"limits":{"uia_failures":{"burst":1000,"interval_ms":1},)"
                R"("uia_challenges":{"burst":1000,"interval_ms":1}}})";
  for (const auto& [auth, answer] : bad_auths()) {
    for (const auto& response : {remove("NOSUCH", with_auth(auth)),
                                 remove_many(with_auth(auth, deletion_of({"NOSUCH"})))}) {
      ASSERT_EQ(response.status, answer.status) << cut(auth) << "\n" << cut(response.body);
      const auto body = response.json();
      const auto* errcode = body.if_contains("errcode");
      EXPECT_EQ(errcode == nullptr ? "" : std::string(errcode->get_string()), answer.errcode)
          << cut(auth);
      EXPECT_EQ(body.contains("flows"), answer.status == 401) << cut(auth);
    }
  }
  EXPECT_EQ(host.deletions, 0);
  EXPECT_TRUE(is_ok(remove("NOSUCH", with_auth(password_stage("")))))
      << "nothing is left that a later request could trip over";
}

TEST_P(Rows, BadInputInServicesRequests) {
  for (const char* auth : {"1", "[]", R"({"session":1})"}) {
    EXPECT_TRUE(is_error(remove("NOSUCH", with_auth(auth), kServiceToken), 400, "M_BAD_JSON"))
        << auth;
  }
  EXPECT_TRUE(is_ok(remove("NOSUCH", with_auth(R"({"session":"secret-x"})"), kServiceToken)))
      << "good auth is no business of a service";
}

}  // namespace
}  // namespace mxd::test
