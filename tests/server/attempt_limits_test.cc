// T5 and T6: whose attempts are counted together.
#include "bindings/server/accounts/attempt_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

std::string address(int number) {
  return "198.51." + std::to_string(number / 256) + "." + std::to_string(number % 256);
}

class AttemptLimitsTest : public ::testing::Test {
 protected:
  bool guess(const std::string& from, const std::string& user) {
    auto answer = limits.login(from, user, now);
    if (answer.attempt) answer.attempt->spend();
    return answer.attempt.has_value();
  }
  int guesses(int times, const std::string& from, const std::string& user) {
    int passed = 0;
    for (int i = 0; i < times; ++i)
      passed += guess(from, user);
    return passed;
  }

  CurrentSettings settings{Settings{}};
  AttemptLimits limits{settings, true, nullptr};
  AttemptLimits::Time now{1h};
};

TEST_F(AttemptLimitsTest, LoginsOfOneUserFromOneAddress) {
  EXPECT_EQ(guesses(40, "192.0.2.1", "@a:x"), 10);
  now += 6s;
  EXPECT_EQ(guesses(40, "192.0.2.1", "@a:x"), 1);
  EXPECT_TRUE(guess("192.0.2.1", "@b:x"));
  EXPECT_TRUE(guess("192.0.2.2", "@a:x")) << "the owner, from elsewhere";
}

TEST_F(AttemptLimitsTest, LoginsOfOneUserFromEverywhere) {
  int passed = 0;
  for (int i = 0; i < 200; ++i)
    passed += guess(address(i), "@a:x");
  EXPECT_EQ(passed, 30);
  EXPECT_EQ(limits.login(address(300), "@a:x", now).wait, 2s);
  EXPECT_TRUE(guess(address(300), "@b:x"));
}

TEST_F(AttemptLimitsTest, LoginsFromOneAddress) {
  int passed = 0;
  for (int i = 0; i < 10'000; ++i)
    passed += guess("192.0.2.1", "@u" + std::to_string(i) + ":x");
  EXPECT_LE(passed, 100);
  EXPECT_GE(passed, 90) << "but for names that share a bucket";
  EXPECT_TRUE(guess("192.0.2.2", "@a:x"));
}

TEST_F(AttemptLimitsTest, AnIPv6AddressCountsAsItsNetwork) {
  int passed = 0;
  for (int i = 0; i < 40; ++i)
    passed += guess("2001:db8:0:1::" + std::to_string(i), "@a:x");
  EXPECT_EQ(passed, 10);
  EXPECT_TRUE(guess("2001:db8:0:2::1", "@a:x"));
}

// A flood of guesses from everywhere keeps the bucket of the user empty: what the user has logged
// in from before does not ask it.
TEST_F(AttemptLimitsTest, AFloodFromElsewhereDoesNotLockTheOwnerOut) {
  limits.remember("2001:db8:0:1::1", "@a:x");
  for (int i = 0; i < 200; ++i)
    guess(address(i), "@a:x");
  EXPECT_FALSE(limits.login("192.0.2.77", "@a:x", now).attempt);
  EXPECT_TRUE(limits.login("2001:db8:0:1::2", "@a:x", now).attempt);
  EXPECT_FALSE(limits.login("2001:db8:0:1::2", "@b:x", now).attempt == std::nullopt);
  EXPECT_EQ(guesses(40, "2001:db8:0:1::1", "@a:x"), 10) << "guesses count there too";
}

TEST_F(AttemptLimitsTest, RegistrationsAndUnknownRefreshTokensOfOneAddress) {
  int registrations = 0;
  int refreshes = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string from = "2001:db8::" + std::to_string(i);
    auto registration = limits.registration(from, now);
    if (registration.attempt) registration.attempt->spend();
    registrations += registration.attempt.has_value();
    auto refresh = limits.unknown_refresh_token(from, now);
    if (refresh.attempt) refresh.attempt->spend();
    refreshes += refresh.attempt.has_value();
  }
  EXPECT_EQ(registrations, 30);
  EXPECT_EQ(refreshes, 30);
  EXPECT_EQ(limits.registration("2001:db8::1", now).wait, 10s);
  EXPECT_TRUE(limits.registration("192.0.2.1", now).attempt);
}

TEST_F(AttemptLimitsTest, TheNumbersAreSettings) {
  Settings other;
  other.limits.login_address_user = {2, 1s};
  settings.replace(other);
  EXPECT_EQ(guesses(40, "192.0.2.1", "@a:x"), 2);
  other.limits.enabled = false;
  settings.replace(other);
  EXPECT_EQ(guesses(1000, "192.0.2.1", "@a:x"), 1000);
  other.limits.enabled = true;
  settings.replace(other);
  AttemptLimits turned_off{settings, false, nullptr};
  for (int i = 0; i < 1000; ++i)
    turned_off.login("192.0.2.1", "@a:x", now).attempt->spend();
}

}  // namespace
}  // namespace mxd::server
