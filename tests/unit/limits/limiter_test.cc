#include "module/limits/limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace mxd::limits {
namespace {

constexpr unsigned char kSecret[16] = {1, 2, 3};
constexpr int64_t kNow = 1'700'000'000'000;

mxd_limit limit(const std::string& name, const std::string& key, int64_t burst,
                int64_t interval_ms) {
  return {burst, interval_ms, {name.data(), name.size()}, {key.data(), key.size()}};
}

struct LimiterTest : testing::Test {
  Limiter limiter{kSecret};
  const std::string name = "n", key = "k", other = "other";
  const mxd_limit bucket = limit(name, key, 3, 1000);
};

TEST_F(LimiterTest, ABurstThenOneAnInterval) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 0) << i;
  EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 1000);
  EXPECT_EQ(limiter.take(&bucket, 1, kNow + 400).wait_ms, 600);
  EXPECT_EQ(limiter.take(&bucket, 1, kNow + 1000).wait_ms, 0);
  EXPECT_EQ(limiter.take(&bucket, 1, kNow + 1000).wait_ms, 1000);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limiter.take(&bucket, 1, kNow + 1'000'000).wait_ms, 0)
        << "full again, and no more: " << i;
  EXPECT_EQ(limiter.take(&bucket, 1, kNow + 1'000'000).wait_ms, 1000);
}

TEST_F(LimiterTest, GivingBack) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 0) << i;
    limiter.give_back(&bucket, 1);
  }
}

TEST_F(LimiterTest, AllBucketsOrNone) {
  const mxd_limit small = limit(name, other, 1, 5000);
  const mxd_limit both[] = {bucket, small};
  EXPECT_EQ(limiter.take(both, 2, kNow).wait_ms, 0);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(limiter.take(both, 2, kNow).wait_ms, 5000) << i;
  EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 0) << "the refused ones took nothing";
  EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 0);
  EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 1000);
}

TEST_F(LimiterTest, NameAndKeyAreApart) {
  const std::string both = "nk", none;
  const mxd_limit apart = limit(name, key, 1, 1000);
  const mxd_limit together = limit(both, none, 1, 1000);
  EXPECT_EQ(limiter.take(&apart, 1, kNow).wait_ms, 0);
  EXPECT_EQ(limiter.take(&together, 1, kNow).wait_ms, 0);
}

TEST_F(LimiterTest, AClockThatGoesBackNeitherFreesNorFreezes) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limiter.take(&bucket, 1, kNow).wait_ms, 0) << i;
  EXPECT_EQ(limiter.take(&bucket, 1, kNow - 3'600'000).wait_ms, 1000) << "an hour back";
  EXPECT_EQ(limiter.take(&bucket, 1, kNow - 3'600'000 + 1000).wait_ms, 0)
      << "it goes on from there";
}

TEST_F(LimiterTest, MadeUpKeysDoNotFreeABucket) {
  const mxd_limit slow = limit(name, key, 1, 1'000'000);
  EXPECT_EQ(limiter.take(&slow, 1, kNow).wait_ms, 0);
  for (int i = 0; i < 200'000; ++i) {
    const std::string made_up = std::to_string(i);
    const mxd_limit quick = limit(other, made_up, 1, 1000);
    limiter.take(&quick, 1, kNow);
  }
  EXPECT_EQ(limiter.take(&slow, 1, kNow).wait_ms, 1'000'000);
}

// ---- U23: attempts in flight ----

TEST_F(LimiterTest, AttemptsAloneLackAUnit) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limiter.take(&bucket, 1, kNow, true).wait_ms, 0) << i;
  const auto refused = limiter.take(&bucket, 1, kNow, true);
  EXPECT_EQ(refused.wait_ms, 1000);
  EXPECT_TRUE(refused.attempts_alone);
  limiter.end_attempt(&bucket, 1);  // a failure: its unit stays taken
  EXPECT_TRUE(limiter.take(&bucket, 1, kNow, true).attempts_alone);
  limiter.end_attempt(&bucket, 1);
  EXPECT_TRUE(limiter.take(&bucket, 1, kNow, true).attempts_alone) << "one is still in flight";
  limiter.end_attempt(&bucket, 1);
  EXPECT_FALSE(limiter.take(&bucket, 1, kNow, true).attempts_alone) << "three have failed";
}

TEST_F(LimiterTest, AnAttemptThatGivesBackLeavesNothing) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limiter.take(&bucket, 1, kNow, true).wait_ms, 0) << i;
    limiter.give_back(&bucket, 1);
    limiter.end_attempt(&bucket, 1);
  }
  for (int i = 0; i < 3; ++i)
    limiter.take(&bucket, 1, kNow);
  EXPECT_FALSE(limiter.take(&bucket, 1, kNow).attempts_alone);
}

TEST_F(LimiterTest, EachBucketThatLacksAUnitMustLackItForAttempts) {
  const mxd_limit small = limit(name, other, 1, 5000);
  const mxd_limit both[] = {bucket, small};
  EXPECT_EQ(limiter.take(&small, 1, kNow).wait_ms, 0) << "a failure elsewhere";
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limiter.take(&bucket, 1, kNow, true).wait_ms, 0) << i;
  const auto refused = limiter.take(both, 2, kNow, true);
  EXPECT_EQ(refused.wait_ms, 5000);
  EXPECT_FALSE(refused.attempts_alone);
}

TEST_F(LimiterTest, WhereTheHostCountsTheAttemptsAreCountedBesideIt) {
  EXPECT_FALSE(limiter.attempts_alone(&bucket, 1, kNow, 500)) << "nothing is in flight here";
  for (int i = 0; i < 3; ++i)
    limiter.begin_asking(&bucket, 1);
  EXPECT_TRUE(limiter.attempts_alone(&bucket, 1, kNow, 1000)) << "they may have got their units";
  for (int i = 0; i < 3; ++i)
    limiter.note_taken(&bucket, 1, kNow);
  EXPECT_TRUE(limiter.attempts_alone(&bucket, 1, kNow, 1000));
  EXPECT_FALSE(limiter.attempts_alone(&bucket, 1, kNow, 3001))
      << "three attempts are not worth that much: other processes count too";
  for (int i = 0; i < 3; ++i)
    limiter.end_attempt(&bucket, 1);
  EXPECT_FALSE(limiter.attempts_alone(&bucket, 1, kNow, 1000)) << "three have failed";
  limiter.begin_asking(&bucket, 1);
  EXPECT_FALSE(limiter.attempts_alone(&bucket, 1, kNow, 1000)) << "and that is why, not this one";
  limiter.end_asking(&bucket, 1);
  limiter.give_back(&bucket, 1);
  EXPECT_FALSE(limiter.attempts_alone(&bucket, 1, kNow, 1000)) << "it is others' doing";
}

TEST_F(LimiterTest, ThreadsShareABucket) {
  const mxd_limit wide = limit(name, key, 1000, 1'000'000);
  std::vector<std::thread> threads;
  std::atomic<int> taken{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int attempt = 0; attempt < 500; ++attempt)
        taken += limiter.take(&wide, 1, kNow).wait_ms == 0 ? 1 : 0;
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace mxd::limits
