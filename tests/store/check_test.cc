// The stages of User-Interactive Authentication that the store can check.
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class CheckTest : public AliceTest {
 protected:
  CheckTest() { store.add_user("bob", "right"); }

  Answer check_address(std::string_view medium, std::string_view address, std::string_view password,
                       const char* country = nullptr) {
    mxd_uia_attempt attempt = attempt_of("", password);
    attempt.flags = MXD_ATTEMPT_HAS_THIRDPARTY | MXD_ATTEMPT_HAS_PASSWORD;
    attempt.user = view("");
    attempt.medium = view(medium);
    attempt.address = view(address);
    if (country != nullptr) {
      attempt.flags |= MXD_ATTEMPT_HAS_COUNTRY;
      attempt.country = view(country);
    }
    return store.check(attempt);
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
  for (const char* who : {"bob", "@bob:example.org", "Bob", "@BOB:Example.org", "@Bob"}) {
    const Answer answer = store.check_user(who, "right");
    EXPECT_EQ(answer.status, MXD_OK) << who;
    EXPECT_EQ(answer.identity, "@bob:example.org") << who;
  }
}

TEST_F(CheckTest, WrongCredentialsAreRefused) {
  using namespace std::string_view_literals;
  std::vector<Answer> answers;
  for (const auto& [who, password] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"bob", "wrong"},
           {"bob", ""},
           {"nobody", "right"},
           {"@bob:example.com", "right"},
           {"alice", ""},
           {"", "right"},
           {"bob\0"sv, "right"},
           {"bob", "right\0"sv}}) {
    answers.push_back(store.check_user(who, password));
  }
  answers.push_back(check_address("msisdn", "1", "right", "GB"));
  answers.push_back(check_address("email", "x@example.org", "right"));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.status, MXD_REFUSED);
    EXPECT_EQ(answer.identity, std::nullopt);
    EXPECT_NE(answer.reason.value_or(""), "");
  }
}

// U4a: the client left something out, or named an identifier of another kind.
TEST_F(CheckTest, MissingFieldsAreBadData) {
  for (const uint32_t flags :
       {0u, uint32_t{MXD_ATTEMPT_HAS_USER}, uint32_t{MXD_ATTEMPT_HAS_PASSWORD},
        uint32_t{MXD_ATTEMPT_HAS_THIRDPARTY}, uint32_t{MXD_ATTEMPT_HAS_COUNTRY}}) {
    mxd_uia_attempt attempt = attempt_of("bob", "right");
    attempt.flags = flags;
    const Answer answer = store.check(attempt);
    EXPECT_EQ(answer.status, MXD_BAD_DATA) << flags;
    EXPECT_NE(answer.reason.value_or(""), "") << flags;
    EXPECT_EQ(answer.reason->find("right"), std::string::npos) << "no password in a reason";
  }
}

TEST_F(CheckTest, ThirdPartyIdentifiersAreLookedUp) {
  execute(
      "INSERT INTO user_threepids SELECT 'email', 'bob@example.org', account FROM accounts"
      " WHERE user_id = '@bob:example.org';"
      "INSERT INTO user_threepids SELECT 'msisdn', '447700900123', account FROM accounts"
      " WHERE user_id = '@bob:example.org'");
  for (const Answer& answer : {check_address("email", "Bob@Example.org", "right"),
                               check_address("msisdn", "447700900123", "right"),
                               check_address("msisdn", "+44 7700 900123", "right", "GB")}) {
    EXPECT_EQ(answer.status, MXD_OK);
    EXPECT_EQ(answer.identity, "@bob:example.org");
  }
  EXPECT_EQ(check_address("email", "bob@example.org", "wrong").status, MXD_REFUSED);
}

TEST_F(CheckTest, LockedAndDeactivatedAccountsProveNothing) {
  store.set_flags("bob", MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.check_user("bob", "right").status, MXD_REFUSED);
  store.set_flags("bob", MXD_STORE_ACCOUNT_SUSPENDED, MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.check_user("bob", "right").status, MXD_OK);
  store.set_flags("bob", MXD_STORE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(store.check_user("bob", "right").status, MXD_REFUSED);
}

TEST_F(CheckTest, OtherStages) {
  mxd_uia_attempt attempt = attempt_of("", "");
  attempt.flags = 0;
  attempt.type = view("m.login.dummy");
  const Answer dummy = store.check(attempt);
  EXPECT_EQ(dummy.status, MXD_OK);
  EXPECT_EQ(dummy.identity, "") << "it proves nobody, and says so";
  attempt.type = view("m.login.recaptcha");
  EXPECT_EQ(store.check(attempt).status, MXD_REFUSED);
}

// More at once than the queue holds: each is answered, the ones too many at once and by
// UNAVAILABLE, and close() waits for the others.
TEST_F(CheckTest, TooManyAtOnceAreTurnedAway) {
  constexpr size_t kAttempts = 48;
  const mxd_uia_attempt attempt = attempt_of("bob", "right");
  std::map<int32_t, size_t> answers;
  std::vector<mxd_op> accepted;
  for (size_t i = 0; i < kAttempts; ++i) {
    const mxd_op op = new_operation();
    const int32_t status = store.host().uia_check(store.host().cookie, 0, op, 0, &attempt);
    if (status == MXD_OK) {
      accepted.push_back(op);
    } else {
      ++answers[status];
    }
  }
  store.close();
  for (const mxd_op op : accepted) {
    ASSERT_TRUE(is_complete(op));
    ++answers[wait_for(op).status];
  }
  EXPECT_GT(answers[MXD_UNAVAILABLE], 0u);
  EXPECT_GE(answers[MXD_OK], 32u);
  EXPECT_EQ(answers[MXD_UNAVAILABLE] + answers[MXD_OK], kAttempts);
}

// T7: they take turns. Were there one queue, the stage's password would come after all of the 32.
TEST_F(CheckTest, ALoginFloodLeavesAStageItsPlace) {
  const mxd_uia_attempt attempt = attempt_of("bob", "right");
  std::atomic<bool> over{false};
  std::atomic<bool> is_full{false};
  std::atomic<int> logins{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 48; ++i) {  // more than wait in the queue
    flood.emplace_back([&] {
      while (!over) {
        if (store.check_password("bob", "wrong").status == MXD_UNAVAILABLE) {
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
