#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/unit/fake_host.h"

namespace mxd::test {

// A browser that has the page of one stage of one session open.
class Browser {
 public:
  Browser(FakeHost& host, std::string_view session, std::string_view type)
      : host_(host),
        target_("/_matrix/client/v3/auth/" + std::string(type) +
                "/fallback/web?session=" + std::string(session)) {}

  // `languages`: what the browser asks for, as in Accept-Language.
  Response open(const std::string& languages = "") {
    Request request{.target = target_};
    if (!languages.empty()) request.headers = {{"Accept-Language", languages}};
    const Response page = host_.send(request);
    form_token_ = between(page.body, "name=\"form_token\" value=\"", "\"");
    return page;
  }
  // The form of the page, which these fields are added to.
  Request form(const std::string& fields) const {
    return {
        .method = "POST", .target = target_, .body = "form_token=" + form_token_ + "&" + fields};
  }
  Response submit(const std::string& fields) { return host_.send(form(fields)); }
  Response submit_alone(const std::string& fields) {
    return host_.send({.method = "POST", .target = target_, .body = fields});
  }
  const std::string& form_token() const { return form_token_; }

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

// An HTML page with this text, and with the headers that all of them have.
inline testing::AssertionResult is_page(const Response& response, int status,
                                        std::string_view text) {
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

}  // namespace mxd::test
