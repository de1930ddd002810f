#include "module/http/json_body.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>

namespace mxd::http {
namespace {

std::string nested(int levels) {
  std::string text;
  for (int i = 1; i < levels; ++i)
    text += R"({"a":)";
  return text + "{}" + std::string(static_cast<size_t>(levels - 1), '}');
}

// The errcode of a body, or nothing where it is good.
std::string refused(std::string_view body, EmptyBody empty = EmptyBody::kRefused) {
  memory::Arena arena;
  const auto parsed = parse_object(arena, body, empty);
  if (parsed) return "";
  EXPECT_EQ(parsed.error()->status, 400) << body;
  EXPECT_FALSE(parsed.error()->text.empty()) << body;
  return std::string(parsed.error()->errcode);
}

TEST(ParseObject, GivesTheObject) {
  memory::Arena arena;
  const auto parsed = parse_object(
      arena, R"( {"a": "\u00e9\n", "b": [1, -2, 18446744073709551615, 0.5, true, null]} )",
      EmptyBody::kRefused);
  ASSERT_TRUE(parsed) << parsed.error()->text;
  const auto& object = **parsed;
  EXPECT_EQ(object.at("a").as_string(), "\xC3\xA9\n");
  const auto& list = object.at("b").as_array();
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(list[1].as_int64(), -2);
  EXPECT_EQ(list[2].as_uint64(), 18446744073709551615u);
  EXPECT_EQ(list[3].as_double(), 0.5);
  EXPECT_TRUE(list[5].is_null());
}

TEST(ParseObject, EmptyBodies) {
  for (const char* body : {"", " ", "\r\n\t"}) {
    EXPECT_EQ(refused(body), "M_NOT_JSON") << body;
    EXPECT_EQ(refused(body, EmptyBody::kIsEmptyObject), "") << body;
  }
  EXPECT_EQ(refused("null"), "M_BAD_JSON");
  EXPECT_EQ(refused(" null ", EmptyBody::kIsEmptyObject), "");
  EXPECT_EQ(refused("[]", EmptyBody::kIsEmptyObject), "M_BAD_JSON");
}

TEST(ParseObject, DepthIs32) {  // L3
  EXPECT_EQ(refused(nested(32)), "");
  EXPECT_EQ(refused(nested(33)), "M_BAD_JSON");
  EXPECT_EQ(refused(nested(200'000)), "M_BAD_JSON");
}

TEST(ParseObject, LongStrings) {
  memory::Arena arena;
  const std::string long_one(300'000, 'x');
  const auto parsed = parse_object(arena, "{\"a\":\"" + long_one + "\"}", EmptyBody::kRefused);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)->at("a").as_string(), long_one);
}

TEST(Serialize, ComesBackEqual) {
  memory::Arena arena;
  for (const std::string& text :
       {std::string("{}"), std::string(R"({"a":["\u0000\"\\",1,1.5,-9223372036854775808,null]})"),
        "{\"a\":\"" + std::string(5000, 'x') + "\",\"b\":\"" + std::string(5000, '\x7F') + "\"}"}) {
    const auto parsed = parse_object(arena, text, EmptyBody::kRefused);
    ASSERT_TRUE(parsed);
    const auto again = serialize(arena, **parsed);
    EXPECT_EQ(boost::json::parse(again), boost::json::parse(text)) << again;
  }
}

TEST(FindString, NoneNullWrongTypeOrThere) {
  const auto object = boost::json::parse(R"({"a":"x","n":null,"i":1,"e":""})").as_object();
  bool wrong = false;
  EXPECT_EQ(find_string(object, "a", wrong), "x");
  EXPECT_EQ(find_string(object, "e", wrong), "");
  EXPECT_EQ(find_string(object, "n", wrong), std::nullopt);
  EXPECT_EQ(find_string(object, "z", wrong), std::nullopt);
  EXPECT_FALSE(wrong);
  EXPECT_EQ(find_string(object, "i", wrong), std::nullopt);
  EXPECT_TRUE(wrong);
}

TEST(ReadObject, GivesTheMembers) {
  memory::Arena arena;
  std::string_view members = "untouched";
  EXPECT_NE(read_object(arena, R"( {"a":{}, "b":"}"} )", members), nullptr);
  EXPECT_EQ(members, R"("a":{}, "b":"}")");
  EXPECT_NE(read_object(arena, "{ \n}", members), nullptr);
  EXPECT_EQ(members, "") << "white space is no member";
  for (const char* text : {"", "[]", "x", "{}x", R"({"a":1,"a":1})"})
    EXPECT_EQ(read_object(arena, text, members), nullptr) << text;
}

}  // namespace
}  // namespace mxd::http
