// L3: what keys a client chooses makes no difference to the time that reading takes.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "bindings/common/json_reader.h"
#include "tests/json/colliding_keys.h"

namespace mxd::common {
namespace {

constexpr double kFloor = 0.005;  // seconds: less than that is noise

TEST(JsonFlood, TheKeysCollideInTheLibrarysOwnParser) {
  constexpr size_t kCount = 16'384;
  const auto parse = [](const std::string& text) {
    return json_texts::least_time([&] { boost::json::parse(text); });
  };
  const double innocent = parse(json_texts::object_of(json_texts::innocent_keys(kCount)));
  double slowest = 0;
  // A table of this size has pages of its own, behind 16 bytes of malloc's: the first try hits.
  for (uint32_t low = 16; low < 272 && slowest <= 10 * innocent; low += 16) {
    const auto keys = json_texts::colliding_keys(low, 65536, kCount);
    slowest = std::max(slowest, parse(json_texts::object_of(keys)));
  }
  EXPECT_GT(slowest, 10 * innocent) << "else the tests below try nothing";
}

TEST(JsonFlood, OneObjectOfChosenKeysTakesNoLonger) {  // L3
  for (const size_t count : {16'384U, 65'536U}) {
    const auto time = [](const std::string& text) {
      return json_texts::least_time([&] { read_json_object(text); });
    };
    const double innocent = time(json_texts::object_of(json_texts::innocent_keys(count)));
    for (uint32_t low = 0; low < 256; low += 16) {
      const auto text = json_texts::object_of(json_texts::colliding_keys(low, 65536, count));
      EXPECT_LE(time(text), 3 * innocent + kFloor) << count << " keys, salt " << low;
    }
  }
}

TEST(JsonFlood, ManyObjectsOfChosenKeysTakeNoLonger) {  // L3
  constexpr size_t kBody = 4 * 1024 * 1024;
  const auto time = [](const std::string& text) {
    return json_texts::least_time([&] { EXPECT_FALSE(read_json_object(text).fault); });
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
}  // namespace mxd::common
