#include "module/http/api_error.h"

#include <gtest/gtest.h>

#include "module/http/response.h"

namespace mxd::http {
namespace {

TEST(Result, IsAValueOrAnError) {
  const Result<int> value = 7;
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  EXPECT_EQ(value.error(), nullptr);
  static constexpr ApiError kError{404, "M_NOT_FOUND", "There is none."};
  const Result<int> error = &kError;
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error(), &kError);
}

TEST(Render, StandardError) {
  memory::OutputBuffer out;
  const auto response = render({404, "M_NOT_FOUND", "There is \"none\"."}, out);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"errcode":"M_NOT_FOUND","error":"There is \"none\"."})");
  EXPECT_EQ(response.retry_after_ms, -1);
}

TEST(Render, ForgetsWhatWasWrittenBefore) {
  memory::OutputBuffer out;
  out.append(R"({"devices":[)");
  EXPECT_EQ(render({500, "M_UNKNOWN", "x"}, out).body, R"({"errcode":"M_UNKNOWN","error":"x"})");
}

TEST(Render, ExtraMembers) {
  memory::OutputBuffer out;
  EXPECT_EQ(render({401, "M_X", "x", R"("soft_logout":true)"}, out).body,
            R"({"errcode":"M_X","error":"x","soft_logout":true})");
}

TEST(Render, WithoutAnErrcode) {
  memory::OutputBuffer out;
  EXPECT_EQ(render({401, "", "", R"("flows":[])"}, out).body, R"({"flows":[]})");
}

TEST(Render, RetryAfterIsInTheBodyOf429Only) {
  memory::OutputBuffer out;
  const auto limited = render({429, "M_LIMIT_EXCEEDED", "x", {}, 1500}, out);
  EXPECT_EQ(limited.body, R"({"errcode":"M_LIMIT_EXCEEDED","error":"x","retry_after_ms":1500})");
  EXPECT_EQ(limited.retry_after_ms, 1500);
  const auto busy = render({503, "M_UNKNOWN", "x", {}, 1500}, out);
  EXPECT_EQ(busy.body, R"({"errcode":"M_UNKNOWN","error":"x"})");
  EXPECT_EQ(busy.retry_after_ms, 1500);
}

}  // namespace
}  // namespace mxd::http
