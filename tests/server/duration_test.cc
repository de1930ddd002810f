#include "bindings/server/duration.h"

#include <gtest/gtest.h>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

TEST(Duration, HasUnits) {
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("365d"), 365 * 24h);
  EXPECT_EQ(parse_duration("1d12h"), 36h);
  EXPECT_EQ(parse_duration("36500d"), 36'500 * 24h);
}

TEST(Duration, RefusesAllElse) {
  for (const char* const text :
       {"", "10", "banana", "-1s", "inf", "-inf", "10 m", "d", "-1d", "1.5d", "1d2d", "1d-1s",
        "12h1d", "1 d", "36501d", "36500d1ms", "99999999999999999999d", "9e300h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mxd::server
