#include "bindings/server/http/http_message.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "bindings/server/accounts/account_context.h"
#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

std::string header(const Response& response, std::string_view name) {
  const std::string before = std::string(name) + ": ";
  std::string_view rest = response.headers;
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    EXPECT_NE(end, rest.npos) << "every line has an end: " << response.headers;
    if (end == rest.npos) break;
    if (rest.starts_with(before))
      return std::string(rest.substr(before.size(), end - before.size()));
    rest.remove_prefix(end + 2);
  }
  return "none";
}

std::string errcode(const std::optional<Response>& response) {
  if (!response) return "none";
  const auto body = boost::json::parse(response->body).as_object();
  return std::to_string(response->status) + " " +
         std::string(std::string_view(body.at("errcode").as_string()));
}

Request with_body(std::string_view body) {
  Request request;
  request.body = body;
  return request;
}

TEST(Response, HasWhatBrowsersNeed) {
  const Response response = json_response(200, {});
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(response, "Access-Control-Allow-Methods"), "GET, POST, PUT, DELETE, OPTIONS");
  EXPECT_EQ(header(response, "Access-Control-Allow-Headers"),
            "X-Requested-With, Content-Type, Authorization");
  EXPECT_EQ(header(response, "Access-Control-Expose-Headers"), "Retry-After");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST(Response, PreflightHasNoBody) {
  const Response response = preflight_response();
  EXPECT_EQ(response.status, 204U);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(header(response, "Content-Type"), "none");
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(response, "Access-Control-Max-Age"), "86400") << "R5";
}

TEST(Response, RetryAfterIsInWholeSecondsRoundedUp) {
  const Response response = limited_response(std::chrono::milliseconds(1001));
  EXPECT_EQ(response.status, 429U);
  EXPECT_EQ(header(response, "Retry-After"), "2");
  EXPECT_EQ(boost::json::parse(response.body).at("retry_after_ms").as_int64(), 1001);
}

TEST(Body, IsAJsonObject) {
  const ParsedBody body = parse_body(with_body(R"({"type": "x"})"));
  ASSERT_FALSE(body.refusal);
  EXPECT_EQ(body.object.at("type").as_string(), "x");
}

TEST(Body, IsRefusedLikeTheModuleDoes) {
  const auto refusal = [](std::string_view text) {
    return errcode(parse_body(with_body(text)).refusal);
  };
  EXPECT_EQ(refusal(""), "400 M_NOT_JSON");
  EXPECT_EQ(refusal("{"), "400 M_NOT_JSON");
  EXPECT_EQ(refusal("{} x"), "400 M_NOT_JSON");
  EXPECT_EQ(refusal("{\"a\": \"\xff\"}"), "400 M_NOT_JSON");
  EXPECT_EQ(refusal("[]"), "400 M_BAD_JSON");
  EXPECT_EQ(refusal("null"), "400 M_BAD_JSON");
  EXPECT_EQ(refusal(R"({"a": "\udc00"})"), "400 M_BAD_JSON");
  EXPECT_EQ(refusal(R"({"a": "\ud800\ud800"})"), "400 M_BAD_JSON");
  EXPECT_EQ(refusal(std::string(33, '[') + std::string(33, ']')), "400 M_BAD_JSON");
  EXPECT_EQ(refusal(std::string(1'000'000, '[')), "400 M_BAD_JSON");

  Request too_large;
  too_large.body_too_large = true;
  EXPECT_EQ(errcode(parse_body(too_large).refusal), "413 M_TOO_LARGE");
}

TEST(Body, FieldsHaveTypes) {
  const auto object =
      boost::json::parse(R"({"text": "x", "flag": true, "none": null})").as_object();
  Fields fields(object);
  EXPECT_EQ(fields.text("text"), "x");
  EXPECT_EQ(fields.text("none"), std::nullopt);
  EXPECT_TRUE(fields.flag("flag"));
  EXPECT_FALSE(fields.flag("absent"));
  EXPECT_EQ(fields.object("absent"), nullptr);
  EXPECT_FALSE(fields.refusal);
  EXPECT_EQ(fields.text("flag"), std::nullopt);
  EXPECT_EQ(errcode(fields.refusal), "400 M_BAD_JSON");
}

}  // namespace
}  // namespace mxd::server
