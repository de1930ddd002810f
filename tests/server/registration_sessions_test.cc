// T8
#include "bindings/server/accounts/registration_sessions.h"

#include <gtest/gtest.h>

#include <vector>

namespace mxd::server {
namespace {

using namespace std::chrono_literals;

class RegistrationSessionsTest : public ::testing::Test {
 protected:
  RegistrationSessions sessions;
  RegistrationSessions::Time now{10h};
};

TEST_F(RegistrationSessionsTest, RemembersTheParameters) {
  const std::string id = sessions.begin(R"({"username":"a"})", now);
  EXPECT_GE(id.size(), 32U) << "128 bits";
  const auto session = sessions.take(id, now);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->parameters->json(), R"({"username":"a"})");
}

TEST_F(RegistrationSessionsTest, OneRequestHasItAlone) {
  const std::string id = sessions.begin("{}", now);
  auto session = sessions.take(id, now);
  ASSERT_TRUE(session);
  EXPECT_FALSE(sessions.take(id, now));
  sessions.put_back(std::move(*session));
  EXPECT_TRUE(sessions.take(id, now));
}

TEST_F(RegistrationSessionsTest, AreNobodysThatWereNeverGiven) {
  sessions.begin("{}", now);
  for (const char* const id : {"", "0", "00000000000000000000000000000000"})
    EXPECT_FALSE(sessions.take(id, now)) << id;
}

TEST_F(RegistrationSessionsTest, LiveAnHourFromTheirBeginning) {
  const std::string id = sessions.begin("{}", now);
  auto session = sessions.take(id, now + 1h - 1ms);
  ASSERT_TRUE(session);
  sessions.put_back(std::move(*session));
  EXPECT_FALSE(sessions.take(id, now + 1h));
}

TEST_F(RegistrationSessionsTest, AreTenThousandAtMost) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10'001; ++i)
    ids.push_back(sessions.begin("{}", now));
  EXPECT_FALSE(sessions.take(ids[0], now)) << "the oldest made room";
  EXPECT_TRUE(sessions.take(ids[1], now));
  EXPECT_TRUE(sessions.take(ids.back(), now));
}

TEST_F(RegistrationSessionsTest, OneOfAnotherServerIsToldFromOneThatWasMadeUp) {
  RegistrationSessions other;
  EXPECT_TRUE(sessions.may_be_of_another(other.begin("{}", now)));
  EXPECT_FALSE(sessions.may_be_of_another(sessions.begin("{}", now)));
  for (const char* const made_up : {"", "made-up", "ABCDEF0123456789ABCDEF0123456789"})
    EXPECT_FALSE(sessions.may_be_of_another(made_up)) << made_up;
}

}  // namespace
}  // namespace mxd::server
