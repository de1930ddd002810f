#include "module/http/text.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::http {
namespace {

TEST(CountCodePoints, CountsThem) {
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("abc"), 3u);
  EXPECT_EQ(count_code_points(std::string(1000, 'a')), 1000u);
  EXPECT_EQ(count_code_points("\xC3\xA9"), 1u);
  EXPECT_EQ(count_code_points("\xE2\x82\xAC"), 1u);
  EXPECT_EQ(count_code_points("\xF0\x9F\x93\xB1"), 1u);
  EXPECT_EQ(count_code_points("\xF4\x8F\xBF\xBF"), 1u) << "U+10FFFF";
  EXPECT_EQ(count_code_points("e\xCC\x81"), 2u) << "a combining accent is a code point";
  EXPECT_EQ(count_code_points(std::string_view("\0", 1)), 1u);
}

TEST(CountCodePoints, WhereverTheyLie) {
  // ASCII is counted eight bytes at a time: every place around such an eight.
  for (size_t before = 0; before < 20; ++before) {
    for (size_t after = 0; after < 20; ++after) {
      const std::string text = std::string(before, 'a') + "\xE2\x82\xAC" + std::string(after, 'b');
      EXPECT_EQ(count_code_points(text), before + 1 + after);
      EXPECT_FALSE(is_utf8(std::string(before, 'a') + "\xFF" + std::string(after, 'b')));
    }
  }
}

TEST(IsUtf8, RefusesWhatIsNot) {
  const char* const texts[] = {
      "\x80",              // a continuation alone
      "\xC3",              // cut
      "\xE2\x82",          // cut
      "\xF0\x9F\x93",      // cut
      "\xC3\x28",          // no continuation
      "\xC0\x80",          // overlong
      "\xC1\xBF",          // overlong
      "\xE0\x80\x80",      // overlong
      "\xF0\x80\x80\x80",  // overlong
      "\xED\xA0\x80",      // a surrogate
      "\xED\xBF\xBF",      // a surrogate
      "\xF4\x90\x80\x80",  // behind U+10FFFF
      "\xF5\x80\x80\x80",
      "\xFE",
      "\xFF",
  };
  for (const char* text : texts)
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(std::string(text));
}

TEST(IsPlainText, HasNoNul) {
  EXPECT_TRUE(is_plain_text(""));
  for (size_t before = 0; before <= 17; ++before) {
    for (size_t after = 0; after <= 9; ++after) {
      const std::string first(before, 'a');
      const std::string last(after, 'b');
      EXPECT_TRUE(is_plain_text(first + "\x01\x7F" + last));
      EXPECT_TRUE(is_plain_text(first + "\xE2\x82\xAC" + last));
      EXPECT_FALSE(is_plain_text(first + '\0' + last));
      EXPECT_FALSE(is_plain_text(first + '\0' + last + "\xE2\x82\xAC"));
      EXPECT_FALSE(is_plain_text("\xE2\x82\xAC" + first + '\0' + last));
      EXPECT_FALSE(is_plain_text(first + "\xE2\x82" + last));
    }
  }
}

TEST(IsVisibleAscii, NoBlanksNoControlCharacters) {
  EXPECT_TRUE(is_visible_ascii("!~"));
  EXPECT_FALSE(is_visible_ascii("a b"));
  EXPECT_FALSE(is_visible_ascii("a\x7F"));
  EXPECT_FALSE(is_visible_ascii("\xC3\xA9"));
}

TEST(HasControlCharacters, UpToSpaceAndDelete) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = {'a', static_cast<char>(c)};
    EXPECT_EQ(has_control_characters(text), c < 0x20 || c == 0x7F) << c;
  }
  EXPECT_FALSE(has_control_characters(""));
}

TEST(Concatenate, Parts) {
  memory::Arena arena;
  EXPECT_EQ(concatenate(arena, {"a", "", "bc"}), "abc");
  EXPECT_EQ(concatenate(arena, {}), "");
}

}  // namespace
}  // namespace mxd::http
