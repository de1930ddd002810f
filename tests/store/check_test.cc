// The stages of User-Interactive Authentication that the store can check.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/sqlite/store_test.h"

namespace mxd::test {
namespace {

class CheckTest : public AliceTest {
 protected:
  CheckTest() { store.add_user("bob", "right"); }

  Answer password(const std::string& members) {
    return store.check("m.login.password", R"({"type":"m.login.password",)" + members + "}");
  }
};

TEST_F(CheckTest, PasswordFlowIsForThoseWithAPassword) {
  EXPECT_EQ(store.flows("@bob:example.org").stages,
            (std::vector<std::pair<uint32_t, std::string>>{{0, "m.login.password"}}));
  EXPECT_TRUE(store.flows(alice).stages.empty());
  EXPECT_EQ(store.flows("@nobody:example.org").status, MXD_OK);
  EXPECT_TRUE(store.flows("@nobody:example.org").stages.empty());
}

TEST_F(CheckTest, RightPasswordProvesTheAccountItIsOf) {
  for (const char* who :
       {R"("identifier":{"type":"m.id.user","user":"bob"})",
        R"("identifier":{"type":"m.id.user","user":"@bob:example.org"})", R"("user":"bob")",
        R"("user":"@bob:example.org")", R"("user":"Bob")", R"("user":"@BOB:Example.org")",
        R"("identifier":{"type":"m.id.user","user":"@Bob"})",
        R"("user":"alice","identifier":{"type":"m.id.user","user":"bob"})"}) {
    const Answer answer = password(std::string(who) + R"(,"password":"right")");
    EXPECT_EQ(answer.status, MXD_OK) << who;
    EXPECT_EQ(answer.identity, "@bob:example.org") << who;
  }
}

TEST_F(CheckTest, WrongCredentialsAreRefused) {
  for (const char* members :
       {R"("user":"bob","password":"wrong")", R"("user":"bob","password":"")",
        R"("user":"nobody","password":"right")", R"("user":"@bob:example.com","password":"right")",
        R"("user":"alice","password":"")", R"("user":"","password":"right")",
        R"("user":"bob\u0000","password":"right")", R"("user":"bob","password":"right\u0000")",
        R"("identifier":{"type":"m.id.phone","country":"GB","phone":"1"},"password":"right")",
        R"("identifier":{"type":"m.id.thirdparty","medium":"email","address":"x@example.org"},
           "password":"right")"}) {
    const Answer answer = password(members);
    EXPECT_EQ(answer.status, MXD_REFUSED) << members;
    EXPECT_EQ(answer.identity, std::nullopt) << members;
    EXPECT_NE(answer.reason.value_or(""), "") << members;
  }
}

TEST_F(CheckTest, MissingAndMistypedFieldsAreBadData) {
  for (const char* members :
       {R"("password":"right")", R"("user":"bob")", R"("user":"bob","password":1)",
        R"("user":"bob","password":null)", R"("user":1,"password":"right")",
        R"("identifier":"bob","password":"right")", R"("identifier":{},"password":"right")",
        R"("identifier":{"type":1},"password":"right")",
        R"("identifier":{"type":"m.id.user"},"password":"right")",
        R"("identifier":{"type":"m.id.user","user":{}},"password":"right")",
        R"("identifier":{"type":"m.id.phone","phone":"1"},"password":"right")",
        R"("identifier":{"type":"m.id.thirdparty","medium":"email"},"password":"right")",
        R"("identifier":{"type":"org.example"},"password":"right")"}) {
    const Answer answer = password(members);
    EXPECT_EQ(answer.status, MXD_BAD_DATA) << members;
    EXPECT_NE(answer.reason.value_or(""), "") << members;
    EXPECT_EQ(answer.reason->find("right"), std::string::npos) << "no password in a reason";
  }
  EXPECT_EQ(store.check("m.login.password", "[]").status, MXD_BAD_DATA);
  EXPECT_EQ(store.check("m.login.password", "{").status, MXD_BAD_DATA);
}

TEST_F(CheckTest, ThirdPartyIdentifiersAreLookedUp) {
  execute(
      "INSERT INTO user_threepids SELECT 'email', 'bob@example.org', account FROM accounts"
      " WHERE user_id = '@bob:example.org';"
      "INSERT INTO user_threepids SELECT 'msisdn', '447700900123', account FROM accounts"
      " WHERE user_id = '@bob:example.org'");
  for (const char* who :
       {R"({"type":"m.id.thirdparty","medium":"email","address":"Bob@Example.org"})",
        R"({"type":"m.id.thirdparty","medium":"msisdn","address":"447700900123"})",
        R"({"type":"m.id.phone","country":"GB","phone":"+44 7700 900123"})"}) {
    const Answer answer =
        password(R"("identifier":)" + std::string(who) + R"(,"password":"right")");
    EXPECT_EQ(answer.status, MXD_OK) << who;
    EXPECT_EQ(answer.identity, "@bob:example.org") << who;
  }
}

TEST_F(CheckTest, LockedAndDeactivatedAccountsProveNothing) {
  store.set_flags("bob", MXD_SQLITE_ACCOUNT_LOCKED);
  EXPECT_EQ(password(R"("user":"bob","password":"right")").status, MXD_REFUSED);
  store.set_flags("bob", MXD_SQLITE_ACCOUNT_SUSPENDED, MXD_SQLITE_ACCOUNT_LOCKED);
  EXPECT_EQ(password(R"("user":"bob","password":"right")").status, MXD_OK);
  store.set_flags("bob", MXD_SQLITE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(password(R"("user":"bob","password":"right")").status, MXD_REFUSED);
}

TEST_F(CheckTest, OtherStages) {
  const Answer dummy = store.check("m.login.dummy", "{}");
  EXPECT_EQ(dummy.status, MXD_OK);
  EXPECT_EQ(dummy.identity, std::nullopt);
  EXPECT_EQ(store.check("m.login.recaptcha", "{}").status, MXD_REFUSED);
}

// More at once than the queue holds: each is answered, the ones too many at once and by
// UNAVAILABLE, and close() waits for the others.
TEST_F(CheckTest, TooManyAtOnceAreTurnedAway) {
  constexpr size_t kAttempts = 48;
  const std::string json = R"({"user":"bob","password":"right"})";
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.type = view("m.login.password");
  attempt.auth_json = view(json);
  size_t turned_away = 0;
  std::vector<mxd_op> accepted;
  for (size_t i = 0; i < kAttempts; ++i) {
    const mxd_op op = new_operation();
    const int32_t status = store.host().uia_check(store.host().cookie, 0, op, 0, &attempt);
    if (status == MXD_OK) {
      accepted.push_back(op);
    } else {
      EXPECT_EQ(status, MXD_UNAVAILABLE);
      ++turned_away;
    }
  }
  EXPECT_GT(turned_away, 0u);
  EXPECT_GE(accepted.size(), 32u);
  store.close();
  for (const mxd_op op : accepted) {
    ASSERT_TRUE(is_complete(op));
    EXPECT_EQ(wait_for(op).status, MXD_OK);
  }
}

// T7: they take turns. Were there one queue, the stage's password would come after all of the 32.
TEST_F(CheckTest, ALoginFloodLeavesAStageItsPlace) {
  const std::string json = R"({"user":"bob","password":"right"})";
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.type = view("m.login.password");
  attempt.auth_json = view(json);
  std::atomic<bool> over{false};
  std::atomic<bool> is_full{false};
  std::atomic<int> logins{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 48; ++i) {  // more than wait in the queue
    flood.emplace_back([&] {
      while (!over) {
        const int32_t status =
            mxd_sqlite_check_password(store.get(), view("bob"), view("wrong"), nullptr, nullptr);
        if (status == MXD_UNAVAILABLE) {
          is_full = true;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        } else {
          ++logins;
        }
      }
    });
  }
  while (!is_full)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const int before = logins;
  for (int i = 0; i < 3; ++i) {
    const mxd_op op = new_operation();
    ASSERT_EQ(store.host().uia_check(store.host().cookie, 0, op, 0, &attempt), MXD_OK);
    EXPECT_EQ(wait_for(op).status, MXD_OK);
  }
  const int meanwhile = logins - before;
  over = true;
  for (std::thread& thread : flood)
    thread.join();
  // One after the other, each waits for what is being hashed and for one of theirs a thread.
  EXPECT_LT(meanwhile, 3 * 16);
}

}  // namespace
}  // namespace mxd::test
