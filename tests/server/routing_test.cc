// Which requests the server's own endpoints take, and how they answer without looking further.
#include "tests/server/account_test.h"

namespace mxd::server {
namespace {

class RoutingTest : public AccountTest {
 protected:
  bool takes(std::string_view method, std::string_view target) {
    Recorded exchange(method, target, "");
    const bool taken = serve_account_endpoint(context, exchange);
    if (taken) exchange.answer();
    return taken;
  }
};

TEST_F(RoutingTest, TakesItsOwnPathsOnly) {
  EXPECT_TRUE(takes("GET", "/_matrix/client/versions"));
  for (const std::string version : {"v3", "r0"}) {
    for (const char* const path :
         {"login", "register", "refresh", "logout", "logout/all", "account/whoami"}) {
      EXPECT_TRUE(takes("GET", "/_matrix/client/" + version + "/" + path)) << version << path;
    }
  }
  for (const char* const target :
       {"/", "/login", "/_matrix/client/login", "/_matrix/client/v3/versions",
        "/_matrix/client/v1/login", "/_matrix/client/v3/login/", "/_matrix/client/v3/loginX",
        "/_matrix/client/v3//login", "/_matrix/client/v3/%6cogin", "/_matrix/client/v3/devices",
        "/_matrix/client/v3", "_matrix/client/v3/login"}) {
    EXPECT_FALSE(takes("GET", target)) << target;
  }
}

TEST_F(RoutingTest, KnowsItsMethods) {
  const Response response = answer("DELETE", "/_matrix/client/v3/login");
  EXPECT_EQ(response.status, 405U);
  EXPECT_NE(response.headers.find("\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"), std::string::npos)
      << response.headers;
  EXPECT_EQ(answer("GET", "/_matrix/client/v3/logout").status, 405U);
  EXPECT_EQ(answer("post", "/_matrix/client/v3/login").status, 405U) << "compared with case";
  EXPECT_EQ(answer("OPTIONS", "/_matrix/client/v3/logout").status, 204U);
  EXPECT_EQ(answer("HEAD", "/_matrix/client/v3/login").status, 200U);
}

TEST_F(RoutingTest, RegistrationIsClosedUnlessOpened) {
  constexpr std::string_view kTarget = "/_matrix/client/v3/register";
  EXPECT_EQ(answer("POST", kTarget, "{}").status, 403U);
  EXPECT_EQ(answer("POST", "/_matrix/client/v3/register?kind=guest", "{}").status, 403U);
  context.open_registration = true;
  const Response challenge = answer("POST", kTarget, "{}");
  EXPECT_EQ(challenge.status, 401U);
  const auto body = boost::json::parse(challenge.body);
  EXPECT_EQ(boost::json::serialize(body.at("flows")), R"([{"stages":["m.login.dummy"]}])");
  EXPECT_EQ(boost::json::serialize(body.at("params")), "{}");
  EXPECT_FALSE(body.at("session").as_string().empty());
  EXPECT_EQ(answer("POST", "/_matrix/client/v3/register?kind=admin", "{}").status, 400U);
}

TEST_F(RoutingTest, ALoginSaysWhatIsMissing) {
  constexpr std::string_view kTarget = "/_matrix/client/v3/login";
  EXPECT_EQ(answer("POST", kTarget, "").status, 400U);
  EXPECT_EQ(answer("POST", kTarget, "{}").status, 400U);
  EXPECT_EQ(answer("POST", kTarget, R"({"type": "m.login.sso"})").status, 400U);
  EXPECT_EQ(answer("POST", kTarget, R"({"type": "m.login.password"})").status, 400U);
  EXPECT_EQ(answer("POST", kTarget, R"({"type": "m.login.password", "user": "a"})").status, 400U);
  EXPECT_EQ(answer("POST", kTarget, R"({"type": "m.login.password", "user": "a", "password": "b"})")
                .status,
            403U);
}

}  // namespace
}  // namespace mxd::server
