#include "bindings/server/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::server {
namespace {

TEST(Utf8, IsWhatTheStandardSays) {
  for (const char* const text : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* const text :
       {"\xff", "\xc3", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

// T4
TEST(Utf8, IsCutBetweenCodePoints) {
  EXPECT_EQ(first_code_points("abc", 2), "ab");
  EXPECT_EQ(first_code_points("abc", 3), "abc");
  EXPECT_EQ(first_code_points("abc", 0), "");
  EXPECT_EQ(first_code_points("\xc3\xa9\xf0\x9f\x99\x82x", 1), "\xc3\xa9");
  EXPECT_EQ(first_code_points("\xc3\xa9\xf0\x9f\x99\x82x", 2), "\xc3\xa9\xf0\x9f\x99\x82");
  EXPECT_EQ(first_code_points("", 5), "");
}

}  // namespace
}  // namespace mxd::server
