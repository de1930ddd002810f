// Which requests the server's own endpoints take, and how they answer without looking further.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <filesystem>
#include <future>

#include "server/account_endpoints.h"

namespace mxd::server {
namespace {

class Recorded final : public Exchange {
 public:
  Recorded(std::string_view method, std::string_view target, std::string_view body) {
    request_.method = method;
    request_.target = target;
    request_.body = body;
    request_.remote_addr = "192.0.2.1";
  }
  const Request& request() const override { return request_; }
  void respond(Response response) noexcept override { answer_.set_value(std::move(response)); }
  Response answer() { return answer_.get_future().get(); }

 private:
  Request request_;
  std::promise<Response> answer_;
};

class RoutingTest : public ::testing::Test {
 protected:
  static std::string make_folder() {
    std::string folder = (std::filesystem::temp_directory_path() / "mxd-routing-XXXXXX").string();
    return ::mkdtemp(folder.data());
  }
  ~RoutingTest() override {
    workers.join();
    std::filesystem::remove_all(folder);
  }

  bool takes(std::string_view method, std::string_view target) {
    Recorded exchange(method, target, "");
    const bool taken = serve_account_endpoint(context, exchange);
    if (taken) exchange.answer();
    return taken;
  }

  Response answer(std::string_view method, std::string_view target, std::string_view body = "") {
    Recorded exchange(method, target, body);
    EXPECT_TRUE(serve_account_endpoint(context, exchange)) << method << " " << target;
    return exchange.answer();
  }

  const std::string folder = make_folder();
  const CurrentRegistrations services{{}};
  const Store store{{folder + "/devices.db", "example.org", {}}};
  Workers workers{2, 16};
  CurrentSettings settings{Settings{}};
  AccountContext context{store, workers, services, "example.org", false, settings, {}};
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
  bool allowed = false;
  for (const auto& [name, value] : response.headers) {
    allowed = allowed || (name == "Allow" && value == "GET, HEAD, POST, OPTIONS");
  }
  EXPECT_TRUE(allowed);
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
