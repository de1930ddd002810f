#include "module/http/target.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::http {
namespace {

using State = QueryParameter::State;

TEST(Target, SplitsAtTheQuestionMark) {
  const struct {
    const char* raw;
    const char* path;
    const char* query;
  } cases[] = {
      {"/a/b", "/a/b", ""},
      {"/a?b=c", "/a", "b=c"},
      {"/a?", "/a", ""},
      {"/a?b?c", "/a", "b?c"},
      {"?a", "", "a"},
      {"", "", ""},
      {"*", "*", ""},
      {"/a#b?c", "/a", ""},
      {"/a?b#c", "/a", "b"},
      {"http://host/a?b", "/a", "b"},
      {"http://host:80/", "/", ""},
      {"http://host", "", ""},
      {"http://host?a=/b", "", "a=/b"},
      {"http://host#/a", "", ""},
      {"HTTP://host/a", "/a", ""},
      {"hTTps://user@[::1]:8448/a?b=http://c/d", "/a", "b=http://c/d"},
      {"http:///a", "/a", ""},
      {"ftp://host/a", "ftp://host/a", ""},
      {"http:/a", "http:/a", ""},
      {"host/a", "host/a", ""},
      {"/a://b/c", "/a://b/c", ""},
      {"/%3F?x", "/%3F", "x"},
  };
  for (const auto& row : cases) {
    const auto target = Target::split(row.raw);
    EXPECT_EQ(target.path, row.path) << row.raw;
    EXPECT_EQ(target.query, row.query) << row.raw;
  }
}

TEST(PrintableTarget, EncodesWhatMayNotBeHandedOn) {  // R13
  memory::Arena arena;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"/a%zz?b=c#d", "/a%zz?b=c#d"},
      {"/\xC3\xA9\xF0\x9F\x98\x80", "/\xC3\xA9\xF0\x9F\x98\x80"},
      {{"/\0", 2}, "/%00"},
      {"/ \t\x1F\x7F~", "/%20%09%1F%7F~"},
      {"/\xFF\x80", "/%FF%80"},
      {"/\xC3", "/%C3"},
      {"/\xC3(", "/%C3("},
      {"/\xED\xA0\x80", "/%ED%A0%80"},
      {"/\xC0\xAF", "/%C0%AF"},
      {"/\xF4\x90\x80\x80", "/%F4%90%80%80"},
  };
  for (const auto& [raw, printable] : cases)
    EXPECT_EQ(printable_target(arena, raw), printable);
}

TEST(PercentDecode, DecodesOnce) {
  memory::Arena arena;
  const struct {
    const char* encoded;
    const char* path;
    const char* query;
  } cases[] = {{"abc", "abc", "abc"}, {"a%2Fb", "a/b", "a/b"}, {"a%252F", "a%2F", "a%2F"},
               {"a+b", "a+b", "a b"}, {"a%2Bb", "a+b", "a+b"}, {"%c3%A9", "\xC3\xA9", "\xC3\xA9"},
               {"", "", ""},          {"%20+", " +", "  "}};
  for (const auto& row : cases) {
    EXPECT_EQ(percent_decode(arena, row.encoded, false), row.path) << row.encoded;
    EXPECT_EQ(percent_decode(arena, row.encoded, true), row.query) << row.encoded;
  }
  EXPECT_EQ(percent_decode(arena, "a%00b", false), std::string_view("a\0b", 3));
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  memory::Arena arena;
  for (const char* encoded : {"%", "a%", "%4", "%G1", "%1G", "%%41", "% 1", "%-1", "a%zz"}) {
    EXPECT_EQ(percent_decode(arena, encoded, false), std::nullopt) << encoded;
    EXPECT_EQ(percent_decode(arena, encoded, true), std::nullopt) << encoded;
  }
}

TEST(PercentDecode, CopiesOnlyWhatHasEscapes) {
  memory::Arena arena;
  const std::string_view plain = "plain";
  EXPECT_EQ(percent_decode(arena, plain, true)->data(), plain.data());
  EXPECT_FALSE(arena.holds_memory());
}

TEST(PercentEncode, LeavesUnreservedCharacters) {
  memory::Arena arena;
  EXPECT_EQ(percent_encode(arena, "AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode(arena, "a/b?c&d=e f+%"), "a%2Fb%3Fc%26d%3De%20f%2B%25");
  EXPECT_EQ(percent_encode(arena, "\xC3\xA9"), "%C3%A9");
  EXPECT_EQ(percent_encode(arena, ""), "");
}

TEST(PercentEncode, ComesBackWhole) {
  memory::Arena arena;
  std::string all;
  for (int c = 0; c < 256; ++c)
    all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(arena, percent_encode(arena, all), false), all);
}

TEST(FindParameter, States) {
  memory::Arena arena;
  const struct {
    const char* query;
    State state;
    const char* value;
  } cases[] = {
      {"", State::kAbsent, ""},
      {"y=1", State::kAbsent, ""},
      {"xx=1", State::kAbsent, ""},
      {"X=1", State::kAbsent, ""},
      {"x", State::kGiven, ""},
      {"x=", State::kGiven, ""},
      {"x=1", State::kGiven, "1"},
      {"y=2&x=1&z", State::kGiven, "1"},
      {"&&x=1&&", State::kGiven, "1"},
      {"x=a=b", State::kGiven, "a=b"},
      {"x=a+b%2B", State::kGiven, "a b+"},
      {"%78=1", State::kGiven, "1"},
      {"%7=2&x=1", State::kGiven, "1"},
      {"x=1&x=1", State::kTwice, ""},
      {"x=1&%78=2", State::kTwice, ""},
      {"x&x", State::kTwice, ""},
      {"x=%", State::kBroken, ""},
      {"x=%4g", State::kBroken, ""},
  };
  for (const auto& row : cases) {
    const auto found = find_parameter(arena, row.query, "x");
    EXPECT_EQ(found.state, row.state) << row.query;
    if (row.state != State::kGiven) continue;
    EXPECT_EQ(found.value, row.value) << row.query;
  }
}

TEST(WithoutParameter, CutsEveryOne) {
  memory::Arena arena;
  const struct {
    const char* raw;
    const char* left;
  } cases[] = {
      {"/p", "/p"},
      {"/p?", "/p"},
      {"/p?t=1", "/p"},
      {"/p?t", "/p"},
      {"/p?a=1&t=2&b=3&t=4", "/p?a=1&b=3"},
      {"/p?%74=1&a=%2B", "/p?a=%2B"},
      {"/p?tt=1", "/p?tt=1"},
      {"/p?a=%zz", "/p?a=%zz"},
  };
  for (const auto& row : cases)
    EXPECT_EQ(without_parameter(arena, Target::split(row.raw), "t"), row.left) << row.raw;
}

}  // namespace
}  // namespace mxd::http
