#include "server/login_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

constexpr int kGuessesAtOnce = 10;  // by one address, for one user
constexpr auto kOneMoreAfter = 6s;

class LoginLimiterTest : public ::testing::Test {
 protected:
  bool take(const std::string& address, const std::string& user) {
    return !limiter.take(address, user, now);
  }
  void exhaust(const std::string& address, const std::string& user) {
    for (int i = 0; i < kGuessesAtOnce; ++i)
      ASSERT_TRUE(take(address, user)) << i;
    ASSERT_FALSE(take(address, user));
  }

  LoginLimiter limiter;
  LoginLimiter::Time now{1h};
};

TEST_F(LoginLimiterTest, SaysHowLongToWait) {
  exhaust("192.0.2.1", "@a:x");
  const auto wait = limiter.take("192.0.2.1", "@a:x", now);
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, kOneMoreAfter);
  now += *wait;
  EXPECT_TRUE(take("192.0.2.1", "@a:x"));
  EXPECT_FALSE(take("192.0.2.1", "@a:x"));
}

TEST_F(LoginLimiterTest, OthersAreNotLockedOut) {
  exhaust("192.0.2.1", "@a:x");
  EXPECT_TRUE(take("192.0.2.1", "@b:x"));
  EXPECT_TRUE(take("192.0.2.2", "@a:x")) << "the owner, from elsewhere";
}

TEST_F(LoginLimiterTest, ARightPasswordIsNoGuess) {
  for (int i = 0; i < 20 * kGuessesAtOnce; ++i) {
    ASSERT_TRUE(take("192.0.2.1", "@a:x")) << i;
    limiter.give_back("192.0.2.1", "@a:x");
  }
}

TEST_F(LoginLimiterTest, MadeUpNamesRunOutToo) {
  int passed = 0;
  for (int i = 0; i < 10'000; ++i)
    passed += take("192.0.2.1", "@u" + std::to_string(i) + ":x");
  EXPECT_LE(passed, 100);
  EXPECT_TRUE(take("192.0.2.2", "@a:x"));
}

TEST_F(LoginLimiterTest, RestsNoHigherThanFull) {
  ASSERT_TRUE(take("192.0.2.1", "@a:x"));
  now += 24h;
  exhaust("192.0.2.1", "@a:x");
}

}  // namespace
}  // namespace mxd::server
