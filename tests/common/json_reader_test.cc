#include "bindings/common/json_reader.h"

#include <gtest/gtest.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "tests/json/texts.h"

namespace mxd::common {
namespace {

std::string name_of(const ReadObject& read) {
  if (!read.fault) return "object";
  switch (*read.fault) {
    case JsonFault::kNotJson:
      return "not_json";
    case JsonFault::kTooDeep:
      return "too_deep";
    case JsonFault::kTooManyMembers:
      return "too_many_members";
    case JsonFault::kKeyTwice:
      return "key_twice";
    case JsonFault::kHalfSurrogate:
      return "half_surrogate";
    case JsonFault::kHugeNumber:
      return "huge_number";
    case JsonFault::kNotAnObject:
      return "not_an_object";
  }
  return "an unknown fault";
}

TEST(JsonReader, TakesAndRefusesAsTheTableSays) {  // P10, L3
  for (const auto& [name, text, result] : json_texts::read_texts()) {
    const ReadObject read = read_json_object(text);
    EXPECT_EQ(name_of(read), result) << name;
    if (!read.fault) continue;
    EXPECT_TRUE(read.object.empty()) << name;
    EXPECT_EQ(errcode(*read.fault), result == "not_json" ? "M_NOT_JSON" : "M_BAD_JSON") << name;
    EXPECT_FALSE(explain(*read.fault).empty()) << name;
  }
}

TEST(JsonReader, GivesTheObject) {
  const ReadObject read = read_json_object(
      R"( {"a": "\u00e9\n", "b": [1, -2, 18446744073709551615, 0.5, true, null]} )");
  ASSERT_FALSE(read.fault);
  EXPECT_EQ(read.object.at("a").as_string(), "\xC3\xA9\n");
  const auto& list = read.object.at("b").as_array();
  ASSERT_EQ(list.size(), 6u);
  EXPECT_EQ(list[1].as_int64(), -2);
  EXPECT_EQ(list[2].as_uint64(), 18446744073709551615u);
  EXPECT_EQ(list[3].as_double(), 0.5);
  EXPECT_TRUE(list[5].is_null());
}

TEST(JsonReader, LimitsCanBeSet) {
  EXPECT_EQ(name_of(read_json_object(R"({"a":{}})", {}, {1, 128})), "too_deep");
  EXPECT_EQ(name_of(read_json_object(R"({"a":1,"b":2})", {}, {32, 1})), "too_many_members");
  EXPECT_EQ(name_of(read_json_object(R"({"a":1,"b":2})", {}, {32, 2})), "object");
}

TEST(JsonReader, TheObjectLivesInTheGivenStorage) {
  boost::json::monotonic_resource memory;
  const ReadObject read =
      read_json_object(R"({"password": "a secret that is no short string"})", &memory);
  ASSERT_FALSE(read.fault);
  EXPECT_EQ(read.object.storage().get(), &memory);
  EXPECT_EQ(read.object.at("password").storage().get(), &memory);
}

}  // namespace
}  // namespace mxd::common
