#include "module/http/json_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/json/colliding_keys.h"
#include "tests/json/texts.h"

namespace mxd::http {
namespace {

std::string name_of(const ParsedJson& parsed) {
  if (parsed.value != nullptr) return parsed.value->is_object() ? "object" : "not_an_object";
  switch (parsed.fault) {
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
  }
  return "an unknown fault";
}

std::string parse(std::string_view text, JsonLimits limits = {}) {
  memory::Arena arena;
  return name_of(parse_json(arena, text, limits));
}

TEST(ParseJson, TakesAndRefusesAsTheTableSays) {  // P10, L3
  for (const auto& [name, text, result] : json_texts::read_texts())
    EXPECT_EQ(parse(text), result) << name;
}

TEST(ParseJson, LimitsCanBeSet) {
  EXPECT_EQ(parse(R"({"a":{}})", {1, 128}), "too_deep");
  EXPECT_EQ(parse(R"({"a":1,"b":2})", {32, 1}), "too_many_members");
  EXPECT_EQ(parse(R"({"a":1,"b":2})", {32, 2}), "object");
}

// L3: what keys a client chooses makes no difference to the time that reading takes. That these
// collide in the library is shown in tests/common/json_flood_test.cc.

constexpr double kFloor = 0.005;  // seconds: less than that is noise

TEST(JsonFlood, OneObjectOfChosenKeysTakesNoLonger) {
  for (const size_t count : {16'384U, 65'536U}) {
    const auto time = [](const std::string& text) {
      return json_texts::least_time([&] { parse(text); });
    };
    const double innocent = time(json_texts::object_of(json_texts::innocent_keys(count)));
    for (uint32_t low = 0; low < 256; low += 16) {
      const auto text = json_texts::object_of(json_texts::colliding_keys(low, 65536, count));
      EXPECT_LE(time(text), 3 * innocent + kFloor) << count << " keys, salt " << low;
    }
  }
}

TEST(JsonFlood, ManyObjectsOfChosenKeysTakeNoLonger) {
  constexpr size_t kBody = 4 * 1024 * 1024;
  const auto time = [](const std::string& text) {
    return json_texts::least_time([&] { EXPECT_EQ(parse(text), "object"); });
  };
  for (const size_t count : {32U, 64U, 128U}) {
    const auto capacity = static_cast<uint32_t>(count);
    const auto keys = json_texts::always_colliding_keys(capacity, count);
    const double innocent = time(json_texts::objects_of(json_texts::innocent_keys(count), kBody));
    const double chosen = time(json_texts::objects_of(keys, kBody));
    EXPECT_LE(chosen, 2 * innocent + kFloor) << count;
  }
}

}  // namespace
}  // namespace mxd::http
