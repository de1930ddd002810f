// Rows A: who is asking.
#include "tests/unit/rows.h"

namespace mxd::test {
namespace {

// A GET of the list with just these headers.
Request with_headers(std::vector<std::pair<std::string, std::string>> headers,
                     const std::string& query = "") {
  return {.target = std::string(kDevices) + query, .headers = std::move(headers)};
}

bool soft_logout(const Response& response) {
  const auto body = response.json();
  const auto* value = body.if_contains("soft_logout");
  if (value == nullptr || !value->is_bool()) {
    ADD_FAILURE() << "expected `soft_logout`, got " << response;
    return false;
  }
  return value->get_bool();
}

TEST_P(Rows, A1_BearerToken) {
  for (const std::string scheme : {"Bearer ", "bearer ", "BEARER   "}) {
    EXPECT_EQ(send(with_headers({{"Authorization", scheme + kPhoneToken}})).status, 200) << scheme;
  }
  EXPECT_EQ(send(with_headers({{"aUTHORIZATION", std::string("Bearer ") + kPhoneToken}})).status,
            200);
  EXPECT_EQ(host.credentials_remote_addr, "192.0.2.1");
}

TEST_P(Rows, A2_TokenInTheQuery) {
  EXPECT_EQ(send(with_headers({}, std::string("?access_token=") + kPhoneToken)).status, 200);
  EXPECT_EQ(send(with_headers({}, "?access%5Ftoken=secret%2Dtoken-phone")).status, 200);
}

TEST_P(Rows, A2_TokenInTheQueryTurnedOff) {
  host.config = R"({"allow_query_token":false})";
  const std::string query = std::string("?access_token=") + kPhoneToken;
  EXPECT_TRUE(is_error(send(with_headers({}, query)), 401, "M_MISSING_TOKEN"));
  EXPECT_EQ(send(with_headers({{"Authorization", std::string("Bearer ") + kPhoneToken}},
                              "?access_token=%&access_token=x"))
                .status,
            200)
      << "the parameter is ignored everywhere";
}

TEST_P(Rows, A3_NoToken) {
  const std::string bearer = std::string("Bearer ") + kPhoneToken;
  const std::vector<Request> requests = {
      with_headers({}),
      with_headers({{"Authorization", ""}}),
      with_headers({{"Authorization", "Bearer"}}),
      with_headers({{"Authorization", "Bearer "}}),
      with_headers({{"Authorization", "Bearer    "}}),
      with_headers({{"Authorization", std::string("Basic ") + kPhoneToken}}),
      with_headers({{"Authorization", kPhoneToken}}),
      with_headers({{"Authorization", bearer}, {"authorization", bearer}}),
      with_headers({{"Authorization", bearer}}, std::string("?access_token=") + kPhoneToken),
      with_headers({{"Authorization", bearer}}, "?access_token="),
      with_headers({}, "?access_token="),
      with_headers({}, "?access_token"),
  };
  for (size_t i = 0; i < requests.size(); ++i)
    EXPECT_TRUE(is_error(send(requests[i]), 401, "M_MISSING_TOKEN")) << "request " << i;
  EXPECT_EQ(host.calls(), Names{});
}

TEST_P(Rows, A4_UnknownToken) {
  const auto response = get(kDevices, "secret-token-unknown");
  EXPECT_TRUE(is_error(response, 401, "M_UNKNOWN_TOKEN"));
  EXPECT_FALSE(soft_logout(response));
}

TEST_P(Rows, A4_TokensThatNobodyHasAreNotAskedAbout) {
  const std::string longest(4096, 't');
  EXPECT_TRUE(is_error(get(kDevices, longest), 401, "M_UNKNOWN_TOKEN"));
  EXPECT_EQ(host.calls(), Names{"authenticate"}) << "one of 4 KiB is";
  host.forget_calls();
  for (const std::string& token :
       {std::string("secret-\xFF"), std::string("secret-\0", 8), longest + 't'}) {
    const auto response = get(kDevices, token);
    EXPECT_TRUE(is_error(response, 401, "M_UNKNOWN_TOKEN"));
    EXPECT_FALSE(soft_logout(response));
  }
  for (const std::string& token : {std::string("secret%00"), longest + 't'}) {
    const auto response = send(with_headers({}, "?access_token=" + token));
    EXPECT_TRUE(is_error(response, 401, "M_UNKNOWN_TOKEN"));
    EXPECT_FALSE(soft_logout(response));
  }
  EXPECT_EQ(host.calls(), Names{});
}

TEST_P(Rows, A5_ExpiredToken) {
  host.tokens[kPhoneToken].refusal = MXD_TOKEN_EXPIRED;
  const auto response = get(kDevices);
  EXPECT_TRUE(is_error(response, 401, "M_UNKNOWN_TOKEN"));
  EXPECT_TRUE(soft_logout(response));
}

TEST_P(Rows, A6_LockedAccount) {
  host.tokens[kPhoneToken].refusal = MXD_USER_LOCKED;
  const auto response = get(kDevices);
  EXPECT_TRUE(is_error(response, 401, "M_USER_LOCKED"));
  EXPECT_TRUE(soft_logout(response));
}

TEST_P(Rows, A7_SuspendedAccountsAreLetIn) {
  // A host lets them in as any other; the module has nothing to refuse them by.
  EXPECT_EQ(get(kDevices).status, 200);
  EXPECT_TRUE(is_challenge(remove("PHONE")));
}

TEST_P(Rows, A8_GuestsReadAndRename) {
  EXPECT_EQ(get(kDevices, kGuestToken).status, 200);
  EXPECT_EQ(get("/_matrix/client/v3/devices/GUESTDEVICE", kGuestToken).status, 200);
  EXPECT_TRUE(is_ok(put("GUESTDEVICE", R"({"display_name":"g"})", kGuestToken)));
}

TEST_P(Rows, A8_GuestsDeleteNothing) {
  EXPECT_TRUE(is_error(remove("GUESTDEVICE", "", kGuestToken), 403, "M_GUEST_ACCESS_FORBIDDEN"));
  EXPECT_TRUE(is_error(remove_many("not JSON", kGuestToken), 403, "M_GUEST_ACCESS_FORBIDDEN"));
  EXPECT_EQ(host.calls(), (Names{"authenticate", "authenticate"}));
}

TEST_P(Rows, A9_ServiceActsAsItsSender) {
  EXPECT_TRUE(is_ok(get(kDevices, kServiceToken), 200, R"({"devices":[{"device_id":"BRIDGE"}]})"));
  EXPECT_FALSE(host.credentials_have_user_id);
}

TEST_P(Rows, A10_ServiceActsAsAUserOfItsNamespace) {
  EXPECT_TRUE(is_ok(get(std::string(kDevices) + "?user_id=%40irc_carol%3Atest", kServiceToken), 200,
                    R"({"devices":[{"device_id":"IRC"}]})"));
  EXPECT_EQ(host.credentials_user_id, kCarol);
}

TEST_P(Rows, A11_ServiceOutsideItsNamespace) {
  for (const char* user : {"@alice:test", "@irc_nobody:test", ""}) {
    EXPECT_TRUE(is_error(get(std::string(kDevices) + "?user_id=" + user, kServiceToken), 403,
                         "M_FORBIDDEN"))
        << user;
    EXPECT_TRUE(host.credentials_have_user_id) << "an empty user_id is one that is given";
  }
}

TEST_P(Rows, A12_ServiceActsAsADevice) {
  EXPECT_EQ(
      get(std::string(kDevices) + "?user_id=@irc_carol:test&device_id=IRC", kServiceToken).status,
      200);
  EXPECT_EQ(host.credentials_device_id, "IRC");
}

TEST_P(Rows, A13_ServiceActsAsAnUnknownDevice) {
  EXPECT_TRUE(
      is_error(get(std::string(kDevices) + "?user_id=@irc_carol:test&device_id=X", kServiceToken),
               400, "M_UNKNOWN_DEVICE"));
}

TEST_P(Rows, A14_OldNameOfTheDeviceParameter) {
  const std::string user = std::string(kDevices) + "?user_id=@irc_carol:test";
  EXPECT_EQ(get(user + "&org.matrix.msc3202.device_id=IRC", kServiceToken).status, 200);
  EXPECT_EQ(host.credentials_device_id, "IRC");
  EXPECT_EQ(get(user + "&org.matrix.msc3202.device_id=X&device_id=IRC", kServiceToken).status, 200)
      << "the stable name wins";
  EXPECT_EQ(host.credentials_device_id, "IRC");
}

TEST_P(Rows, A14_OldNameTurnedOff) {
  host.config = R"({"device_id_alias":false})";
  const std::string user = std::string(kDevices) + "?user_id=@irc_carol:test";
  EXPECT_EQ(get(user + "&org.matrix.msc3202.device_id=IRC", kServiceToken).status, 200);
  EXPECT_FALSE(host.credentials_have_device_id);
  EXPECT_EQ(
      get(user + "&org.matrix.msc3202.device_id=%&org.matrix.msc3202.device_id=%00", kServiceToken)
          .status,
      200)
      << "the parameter is ignored everywhere";
}

TEST_P(Rows, A15_OrdinaryTokenWithMasqueradeParameters) {
  EXPECT_TRUE(is_ok(get("/_matrix/client/v3/devices/PHONE?user_id=@bob:test&device_id=X"), 200,
                    R"({"device_id":"PHONE"})"));
}

TEST_P(Rows, A16_AnswerOfTheHosts) {
  host.scripts["authenticate"] = [this](mxd_op op) {
    mxd_error error{};
    error.size = sizeof error;
    error.http_status = 403;
    error.retry_after_ms = -1;
    error.errcode = view("M_CONSENT_NOT_GIVEN");
    error.text = view("Accept the \"terms\" first.");
    error.extra_json = view(R"( {"consent_uri":"https://example.org/terms", "n":[1]} )");
    EXPECT_EQ(host.module().emit_error(op, &error), MXD_OK);
    return MXD_HOST_ERROR;
  };
  const auto response = get(kDevices);
  EXPECT_TRUE(is_error(response, 403, "M_CONSENT_NOT_GIVEN"));
  EXPECT_EQ(response.json().at("error").get_string(), "Accept the \"terms\" first.");
  EXPECT_EQ(response.json().at("consent_uri").get_string(), "https://example.org/terms");
  EXPECT_EQ(response.json().size(), 4u) << response;
  EXPECT_EQ(response.header("Retry-After"), std::nullopt);
}

TEST_P(Rows, A16_AnswerOfTheHostsWithARetry) {
  host.scripts["list_devices"] = [this](mxd_op op) {
    mxd_error error{};
    error.size = sizeof error;
    error.http_status = 429;
    error.retry_after_ms = 1001;
    error.errcode = view("M_LIMIT_EXCEEDED");
    error.text = view("Too many requests of this kind.");
    EXPECT_EQ(host.module().emit_error(op, &error), MXD_OK);
    return MXD_HOST_ERROR;
  };
  const auto response = get(kDevices);
  EXPECT_TRUE(is_error(response, 429, "M_LIMIT_EXCEEDED"));
  EXPECT_EQ(response.header("Retry-After"), "2") << "whole seconds, rounded up";
  EXPECT_EQ(response.json().at("retry_after_ms").as_int64(), 1001);
}

}  // namespace
}  // namespace mxd::test
