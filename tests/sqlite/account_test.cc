// Accounts: names, states, passwords.
#include "tests/sqlite/store_test.h"

namespace mxd::test {
namespace {

using AccountTest = AliceTest;

int32_t add(OpenStore& store, std::string_view name, uint32_t flags = 0,
            std::string_view service_id = "") {
  mxd_sqlite_new_account account{};
  account.size = sizeof account;
  account.flags = flags;
  account.name = view(name);
  account.service_id = view(service_id);
  mxd_sqlite_error error;
  const int32_t status = mxd_sqlite_add_account(store.get(), &account, nullptr, &error);
  EXPECT_EQ(status == MXD_OK, error.text[0] == '\0') << error.text;
  return status;
}

int32_t check(OpenStore& store, std::string_view name, std::string_view password) {
  char user_id[MXD_SQLITE_ID_CAPACITY];
  return mxd_sqlite_check_password(store.get(), view(name), view(password), user_id, nullptr);
}

TEST_F(AccountTest, NamesAreChecked) {
  EXPECT_EQ(add(store, "bob"), MXD_OK);
  EXPECT_EQ(add(store, "bob"), MXD_BUSY);
  EXPECT_EQ(add(store, "@bob:example.org"), MXD_BUSY);
  EXPECT_EQ(add(store, "@carol:example.org"), MXD_OK);
  for (const std::string& name :
       {std::string(), std::string("Bob"), std::string("b b"), std::string("bob:example.org"),
        std::string("@bob:example.com"), std::string("@:example.org"), std::string("@bob"),
        std::string("b\xc3\xb6"), std::string("bo\0b", 4), std::string(255, 'b')}) {
    EXPECT_EQ(add(store, name), MXD_INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(add(store, std::string(255 - 13, 'b')), MXD_OK);
}

TEST_F(AccountTest, NamespacesOfServicesAreKept) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "_irc_bot"), MXD_OK);
  ASSERT_EQ(store.add_service("puppets", "puppet-token", "puppets", "@.*:example\\.org", false),
            MXD_OK);
  EXPECT_EQ(add(store, "_irc_ghost"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "bob"), MXD_OK) << "the other namespace is not exclusive";
  EXPECT_EQ(add(store, "_irc_ghost", MXD_SQLITE_ACCOUNT_APPSERVICE, "puppets"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "carol", MXD_SQLITE_ACCOUNT_APPSERVICE, "irc"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "carol", MXD_SQLITE_ACCOUNT_APPSERVICE, "nobody"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "_irc_ghost", MXD_SQLITE_ACCOUNT_APPSERVICE, "irc"), MXD_OK);
  EXPECT_EQ(add(store, "_irc_bot", MXD_SQLITE_ACCOUNT_APPSERVICE, "irc"), MXD_BUSY);
}

TEST_F(AccountTest, AreListedByUserId) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "_irc_bot"), MXD_OK);
  for (int i = 0; i < 300; ++i)
    store.add_user("u" + std::to_string(1000 + i));
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_SUSPENDED | MXD_SQLITE_ACCOUNT_LOCKED);
  struct Seen {
    std::vector<std::string> ids;
    uint32_t alice_flags = 0;
    std::string bot_service;
  } seen;
  const auto visit = [](mxd_cookie cookie, const mxd_sqlite_account* account) noexcept {
    Seen& s = *reinterpret_cast<Seen*>(cookie);
    s.ids.emplace_back(account->user_id.data, account->user_id.size);
    if (s.ids.back() == "@alice:example.org") s.alice_flags = account->flags;
    if (s.ids.back() == "@_irc_bot:example.org") {
      s.bot_service.assign(account->service_id.data, account->service_id.size);
    }
  };
  ASSERT_EQ(
      mxd_sqlite_list_accounts(store.get(), visit, reinterpret_cast<mxd_cookie>(&seen), nullptr),
      MXD_OK);
  EXPECT_EQ(seen.ids.size(), 302u);
  EXPECT_TRUE(std::is_sorted(seen.ids.begin(), seen.ids.end()));
  EXPECT_EQ(seen.alice_flags, MXD_SQLITE_ACCOUNT_SUSPENDED | MXD_SQLITE_ACCOUNT_LOCKED);
  EXPECT_EQ(seen.bot_service, "irc");
}

TEST_F(AccountTest, PasswordsAreChecked) {
  store.add_user("bob", "right");
  char user_id[MXD_SQLITE_ID_CAPACITY];
  EXPECT_EQ(mxd_sqlite_check_password(store.get(), view("bob"), view("right"), user_id, nullptr),
            MXD_OK);
  EXPECT_STREQ(user_id, "@bob:example.org");
  EXPECT_EQ(check(store, "@bob:example.org", "right"), MXD_OK);
  EXPECT_EQ(check(store, "bob", "wrong"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "bob", ""), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "nobody", "right"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "alice", ""), MXD_FORBIDDEN) << "no password";
  EXPECT_EQ(number("SELECT count(*) FROM accounts WHERE password_hash LIKE '$argon2id$%'"), 1);
}

TEST_F(AccountTest, PasswordIsSet) {
  const auto set = [&](std::string_view name, std::string_view password) {
    return mxd_sqlite_set_password(store.get(), view(name), view(password), nullptr);
  };
  EXPECT_EQ(set("alice", "new"), MXD_OK);
  EXPECT_EQ(check(store, "alice", "new"), MXD_OK);
  EXPECT_EQ(set("alice", ""), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(set("nobody", "new"), MXD_NOT_FOUND);
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(set("alice", "new"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "alice", "new"), MXD_FORBIDDEN);
}

TEST_F(AccountTest, FlagsThatCanNotBeSetAreRefused) {
  EXPECT_EQ(store.set_flags("alice", MXD_SQLITE_ACCOUNT_GUEST), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.set_flags("alice", 0, MXD_SQLITE_ACCOUNT_DEACTIVATED), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.set_flags("nobody", MXD_SQLITE_ACCOUNT_LOCKED), MXD_NOT_FOUND);
}

TEST_F(AccountTest, DeactivationLeavesNothingToLogInWith) {
  store.add_user("bob", "password");
  store.login("bob", "A", MXD_SQLITE_LOGIN_REFRESHABLE);
  store.login("bob", "B");
  execute(
      "INSERT INTO user_threepids SELECT 'email', 'bob@example.org', account FROM accounts"
      " WHERE user_id = '@bob:example.org'");
  EXPECT_EQ(store.set_flags("bob", MXD_SQLITE_ACCOUNT_DEACTIVATED), MXD_OK);
  EXPECT_TRUE(store.list("@bob:example.org").devices.empty());
  for (const char* table : {"access_tokens", "refresh_tokens", "token_pairs", "user_threepids"}) {
    EXPECT_EQ(number(std::string("SELECT count(*) FROM ") + table), 0) << table;
  }
  EXPECT_EQ(number("SELECT count(*) FROM accounts WHERE password_hash IS NOT NULL"), 0);
  EXPECT_EQ(store.put("@bob:example.org", "C", "x").status, MXD_HOST_ERROR);
}

}  // namespace
}  // namespace mxd::test
