// POST /login and /refresh: T3 to T6 of docs/accounts.md.
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <thread>

#include "tests/server/account_test.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

class LoginTest : public AccountTest {
 protected:
  LoginTest() {
    auto account = make<mxd_store_new_account>();
    account.name = view("alice");
    account.password = view("right");
    const Store::Said said = store.call(&mxd_store_library::add_account, &account, nullptr);
    EXPECT_EQ(said.status, MXD_OK) << said.text.data();
  }

  Response log_in(const std::string& user, const std::string& password,
                  std::string_view address = "192.0.2.1", json::object more = {}) {
    json::object body{{"type", "m.login.password"}, {"user", user}, {"password", password}};
    for (const auto& [key, value] : more)
      body[key] = value;
    return post("login", body, address);
  }

  std::string name_of(const std::string& device_id) {
    const SQLite::Database database(folder + "/devices.db");
    SQLite::Statement row(database, "SELECT display_name FROM devices WHERE device_id = ?");
    row.bind(1, device_id);
    return row.executeStep() ? row.getColumn(0).getString() : std::string();
  }
};

TEST_F(LoginTest, T3_NamesAsPeopleTypeThem) {
  for (const char* const name : {"Alice", "@alice", "@ALICE:Example.ORG", "alice:example.org"}) {
    const Response done = log_in(name, "right");
    EXPECT_EQ(done.status, 200U) << name << done.body;
    EXPECT_EQ(text_of(done, "user_id"), "@alice:example.org");
  }
}

TEST_F(LoginTest, WhatNobodyCanHaveIsWrong) {
  using namespace std::string_literals;
  for (const std::string& name :
       {"alice\0"s, "@alice:example.com"s, "al ice"s, "\xc3\xa9"s, std::string(5000, 'a')}) {
    const Response refused = log_in(name, "right");
    EXPECT_EQ(refused.status, 403U) << name << refused.body;
  }
  EXPECT_EQ(log_in("alice", "right\0"s).status, 403U);
}

TEST_F(LoginTest, T5_AllSpellingsOfANameShareTheirGuesses) {
  Settings small;
  small.limits.login_address_user = {2, std::chrono::hours(1)};
  settings.replace(small);
  EXPECT_EQ(log_in("alice", "wrong").status, 403U);
  EXPECT_EQ(log_in("@Alice:EXAMPLE.org", "wrong").status, 403U);
  for (const char* const name : {"alice", "ALICE", "@alice", "alice:example.org"})
    EXPECT_EQ(log_in(name, "right").status, 429U) << name;
  EXPECT_EQ(log_in("nobody", "wrong").status, 403U);
  EXPECT_EQ(log_in("Nobody", "wrong").status, 403U);
  EXPECT_EQ(log_in("@NOBODY", "wrong").status, 429U) << "the same for who is not there";
}

TEST_F(LoginTest, T5_ARightPasswordIsNoGuess) {
  Settings small;
  small.limits.login_address_user = {1, std::chrono::hours(1)};
  settings.replace(small);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(log_in("alice", "right").status, 200U) << i;
}

TEST_F(LoginTest, T5_AnOwnerWhoHasLoggedInBeforeIsNotLockedOutByOthers) {
  Settings small;
  small.limits.login_user = {2, std::chrono::hours(1)};
  settings.replace(small);
  ASSERT_EQ(log_in("alice", "right", "2001:db8:1::1").status, 200U);
  for (const char* const address : {"198.51.100.1", "198.51.100.2"})
    EXPECT_EQ(log_in("alice", "wrong", address).status, 403U);
  EXPECT_EQ(log_in("alice", "wrong", "198.51.100.3").status, 429U);
  EXPECT_EQ(log_in("Alice", "right", "2001:db8:1::2").status, 200U);
}

TEST_F(LoginTest, T4_ALongDeviceNameIsCut) {
  std::string longest;
  for (int i = 0; i < 100; ++i)
    longest += "\xc3\xa9";
  const Response done =
      log_in("alice", "right", "192.0.2.1", {{"initial_device_display_name", longest + "xyz"}});
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(name_of(text_of(done, "device_id")), longest);
  Settings small;
  small.devices.max_display_name_length = 3;
  settings.replace(small);
  const Response other =
      log_in("alice", "right", "192.0.2.1", {{"initial_device_display_name", "abcdef"}});
  EXPECT_EQ(name_of(text_of(other, "device_id")), "abc");
}

TEST_F(LoginTest, T4_ADeviceNameWithU0000IsRefused) {
  const json::object name{{"initial_device_display_name", json::string_view("a\0b", 3)}};
  EXPECT_EQ(text_of(log_in("alice", "right", "192.0.2.1", name), "errcode"), "M_INVALID_PARAM");
}

TEST_F(LoginTest, T12_MoreDevicesThanTheCap) {
  Settings capped;
  capped.devices.max_devices_per_user = 1;
  capped.devices.user_limit_info_uri = "https://example.org/limit";
  settings.replace(capped);
  ASSERT_EQ(log_in("alice", "right", "192.0.2.1", {{"device_id", "A"}}).status, 200U);
  const Response refused = log_in("alice", "right");
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(text_of(refused, "errcode"), "M_USER_LIMIT_EXCEEDED");
  EXPECT_EQ(text_of(refused, "info_uri"), "https://example.org/limit");
  EXPECT_EQ(log_in("alice", "right", "192.0.2.1", {{"device_id", "A"}}).status, 200U)
      << "one that is there";
}

TEST_F(LoginTest, T6_UnknownRefreshTokensAreLimitedByAddress) {
  int unknown = 0;
  for (int i = 0; i < 40; ++i) {
    const json::object body{{"refresh_token", "mxr_" + std::to_string(i)}};
    unknown += post("refresh", body, "2001:db8::" + std::to_string(i)).status == 401;
  }
  EXPECT_EQ(unknown, 30);
  const Response done = log_in("alice", "right", "2001:db8::1", {{"refresh_token", true}});
  const json::object good{{"refresh_token", text_of(done, "refresh_token")}};
  EXPECT_EQ(post("refresh", good, "2001:db8::1").status, 200U)
      << "one that is known is not held up";
}

// T7: what does not hash does not wait behind what does.
TEST_F(LoginTest, T7_ARefreshDoesNotWaitForPasswords) {
  Settings unlimited;
  unlimited.limits.enabled = false;
  settings.replace(unlimited);
  const Response done = log_in("alice", "right", "192.0.2.1", {{"refresh_token", true}});
  // A login is answered a moment before its place is free again.
  while (password_workers.open() != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(password_workers.run([released] { released.wait(); }));

  const std::string login = json::serialize(
      json::object{{"type", "m.login.password"}, {"user", "alice"}, {"password", "wrong"}});
  std::vector<std::unique_ptr<Recorded>> flood;
  for (int i = 0; i < 20; ++i) {  // more than are taken in
    flood.push_back(std::make_unique<Recorded>("POST", "/_matrix/client/v3/login", login));
    serve_account_endpoint(context, *flood.back());
  }
  const json::object good{{"refresh_token", text_of(done, "refresh_token")}};
  EXPECT_EQ(post("refresh", good).status, 200U);
  context.open_registration = true;
  EXPECT_EQ(answer("POST", "/_matrix/client/v3/register?kind=guest", "{}").status, 200U);

  release.set_value();
  int turned_away = 0;
  for (const auto& exchange : flood) {
    const Response response = exchange->answer();
    if (response.status == 403) continue;
    EXPECT_EQ(response.status, 503U);
    EXPECT_NE(response.headers.find("\r\nRetry-After: "), std::string::npos) << response.headers;
    ++turned_away;
  }
  EXPECT_EQ(turned_away, 6) << "16 wait or run, two of them the ones that stood still";
}

}  // namespace
}  // namespace mxd::server
