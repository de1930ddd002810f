#include "bindings/server/accounts/rate_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

class RateLimiterTest : public ::testing::Test {
 protected:
  RateLimiter::Answer take(std::string_view key) {
    return limiter.take({{"name", key, kLimit}}, now);
  }

  // Failures, one after the other; how many passed.
  int fail(std::string_view key, int times) {
    int passed = 0;
    for (int i = 0; i < times; ++i) {
      auto answer = take(key);
      if (!answer.attempt) continue;
      answer.attempt->spend();
      ++passed;
    }
    return passed;
  }

  static constexpr LimitSetting kLimit{10, 6s};

  RateLimiter limiter;
  RateLimiter::Time now{1h};
};

TEST_F(RateLimiterTest, SaysHowLongToWait) {
  EXPECT_EQ(fail("a", 11), 10);
  EXPECT_EQ(take("a").wait, 6s);
  now += 6s - 1ms;
  EXPECT_EQ(take("a").wait, 1ms);
  now += 1ms;
  EXPECT_EQ(fail("a", 2), 1);
}

TEST_F(RateLimiterTest, OthersAreNotLimited) {
  fail("a", 10);
  EXPECT_TRUE(take("b").attempt);
  EXPECT_TRUE(limiter.take({{"other", "a", kLimit}}, now).attempt);
}

// H6: it succeeded, or came to nothing.
TEST_F(RateLimiterTest, AnAttemptThatIsNotSpentIsGivenBack) {
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(take("a").attempt) << i;
  EXPECT_EQ(fail("a", 11), 10);
}

TEST_F(RateLimiterTest, AttemptsSentAtOnceDoNotSlipThrough) {
  std::vector<RateLimiter::Attempt> attempts;
  for (int i = 0; i < 100; ++i) {
    auto answer = take("a");
    if (answer.attempt) attempts.push_back(std::move(*answer.attempt));
  }
  EXPECT_EQ(attempts.size(), 10U);
}

// Measured before: four right passwords at once, and one of them told to wait for 6 s.
TEST_F(RateLimiterTest, WhatOnlyAttemptsInFlightHoldIsWaitedForASecondAtMost) {
  std::vector<RateLimiter::Attempt> attempts;
  for (int i = 0; i < 10; ++i)
    attempts.push_back(std::move(*take("a").attempt));
  EXPECT_EQ(take("a").wait, 1s);
  attempts.pop_back();
  EXPECT_TRUE(take("a").attempt);
  for (RateLimiter::Attempt& attempt : attempts)
    attempt.spend();
  EXPECT_EQ(fail("a", 2), 1);
  EXPECT_EQ(take("a").wait, 6s) << "failures alone";
}

TEST_F(RateLimiterTest, TakesOfEachBucketOrOfNone) {
  const LimitSetting one{1, 6s};
  limiter.take({{"small", "a", one}}, now).attempt->spend();
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(limiter.take({{"name", "a", kLimit}, {"small", "a", one}}, now).attempt);
  EXPECT_EQ(fail("a", 11), 10);
}

TEST_F(RateLimiterTest, RestsNoHigherThanFull) {
  fail("a", 1);
  now += 24h;
  EXPECT_EQ(fail("a", 11), 10);
}

TEST_F(RateLimiterTest, TheLargestLimitFits) {
  const LimitSetting largest{1'000'000, 24h};
  for (int i = 0; i < 100; ++i)
    limiter.take({{"name", "a", largest}}, now).attempt->spend();
  EXPECT_TRUE(limiter.take({{"name", "a", largest}}, now).attempt);
}

// L4: keys that somebody makes up neither take memory nor free what another has spent.
TEST_F(RateLimiterTest, MadeUpKeysEvictNothing) {
  fail("a", 10);
  for (int i = 0; i < 300'000; ++i)
    take(std::to_string(i));
  EXPECT_FALSE(take("a").attempt);
}

}  // namespace
}  // namespace mxd::server
