// Accounts: names, states, passwords.
#include <algorithm>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using AccountTest = AliceTest;

int32_t add(OpenStore& store, std::string_view name, uint32_t flags = 0,
            std::string_view service_id = "") {
  mxd_store_new_account account{};
  account.size = sizeof account;
  account.flags = flags;
  account.name = view(name);
  account.service_id = view(service_id);
  const Result added = store.add(account);
  EXPECT_EQ(added.status == MXD_OK, added.error.empty()) << added.error;
  return added.status;
}

// Empty, if it means nobody.
std::string resolved(OpenStore& store, std::string_view name) {
  const Result meant = store.resolve_name(name);
  EXPECT_TRUE(meant.status == MXD_OK || meant.status == MXD_INVALID_ARGUMENT) << name;
  EXPECT_EQ(meant.status == MXD_OK, meant.error.empty()) << meant.error;
  return meant.user_id;
}

int32_t check(OpenStore& store, std::string_view name, std::string_view password) {
  return store.check_password(name, password).status;
}

TEST_F(AccountTest, NamesAreChecked) {
  EXPECT_EQ(add(store, "bob"), MXD_OK);
  EXPECT_EQ(add(store, "bob"), MXD_BUSY);
  EXPECT_EQ(add(store, "@bob:example.org"), MXD_BUSY);
  EXPECT_EQ(add(store, "@carol:example.org"), MXD_OK);
  for (const std::string& name :
       {std::string(), std::string("@"), std::string("b b"), std::string("bob:example.com"),
        std::string("bob:"), std::string("@bob:example.com"), std::string("@:example.org"),
        std::string("@bob:example.org:80"), std::string("@@bob"), std::string("b!b"),
        std::string("b\xc3\xb6"), std::string("bo\0b", 4), std::string("@bob:example.org\0", 17),
        std::string(255, 'b')}) {
    EXPECT_EQ(add(store, name), MXD_INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(add(store, std::string(255 - 13, 'b')), MXD_OK);
  EXPECT_EQ(add(store, std::string(255 - 12, 'b')), MXD_INVALID_ARGUMENT);
}

// T3
TEST_F(AccountTest, RegistrationTakesTheLowerCase) {
  EXPECT_EQ(store.add_user("@Bob.B:EXAMPLE.org"), "@bob.b:example.org");
  EXPECT_EQ(add(store, "BOB.B"), MXD_BUSY);
}

// T3
TEST_F(AccountTest, EverySpellingMeansTheAccount) {
  store.add_user("bob", "right");
  for (const char* name : {"bob", "Bob", "BOB", "@bob", "@Bob", "bob:example.org",
                           "@bob:example.org", "@BOB:Example.ORG", "Bob:EXAMPLE.org"}) {
    const Result checked = store.check_password(name, "right");
    EXPECT_EQ(checked.status, MXD_OK) << name;
    EXPECT_EQ(checked.user_id, "@bob:example.org") << name;
    EXPECT_EQ(resolved(store, name), "@bob:example.org") << name;
    EXPECT_EQ(store.login(name, "A").user_id, "@bob:example.org") << name;
    EXPECT_EQ(store.set_flags(name, MXD_STORE_ACCOUNT_LOCKED), MXD_OK) << name;
    EXPECT_EQ(store.set_flags(name, 0, MXD_STORE_ACCOUNT_LOCKED), MXD_OK) << name;
  }
  for (const std::string& name : {std::string("bobb"), std::string("@bob:example.com"),
                                  std::string(), std::string("bob\0", 4), std::string(" bob")}) {
    EXPECT_EQ(check(store, name, "right"), MXD_FORBIDDEN) << name;
    EXPECT_EQ(store.set_flags(name, MXD_STORE_ACCOUNT_LOCKED), MXD_NOT_FOUND) << name;
  }
  EXPECT_EQ(resolved(store, "@Nobody"), "@nobody:example.org");
  EXPECT_EQ(resolved(store, "@bob:example.com"), "");
}

// T3
TEST_F(AccountTest, AServiceRegistersHistoricalIdsInItsNamespace) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "Irc!Bot", "@(_irc_|bob)"), MXD_OK);
  const auto add_ghost = [&](std::string_view name) {
    return add(store, name, MXD_STORE_ACCOUNT_APPSERVICE, "irc");
  };
  EXPECT_EQ(add_ghost("_irc_Ghost[m]"), MXD_OK);
  EXPECT_EQ(resolved(store, "_irc_Ghost[m]"), "@_irc_Ghost[m]:example.org");
  EXPECT_EQ(add_ghost("_irc_ghost[m]"), MXD_OK) << "another one";
  EXPECT_EQ(resolved(store, "_irc_GHOST[m]"), "@_irc_ghost[m]:example.org");
  EXPECT_EQ(resolved(store, "_irc_Ghost[m]"), "@_irc_Ghost[m]:example.org")
      << "the exact one first";
  EXPECT_EQ(add_ghost("Carol"), MXD_FORBIDDEN) << "outside";
  for (const std::string& name : {std::string("_irc_a b"), std::string("_irc_\xc3\xb6"),
                                  std::string("_irc_\x7f"), std::string("_irc_\0", 6)}) {
    EXPECT_EQ(add_ghost(name), MXD_INVALID_ARGUMENT) << name;
  }
}

TEST_F(AccountTest, NamespacesOfServicesAreKept) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "_irc_bot"), MXD_OK);
  ASSERT_EQ(store.add_service("puppets", "puppet-token", "puppets", "@.*:example\\.org", false),
            MXD_OK);
  EXPECT_EQ(add(store, "_irc_ghost"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "bob"), MXD_OK) << "the other namespace is not exclusive";
  EXPECT_EQ(add(store, "_irc_ghost", MXD_STORE_ACCOUNT_APPSERVICE, "puppets"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "carol", MXD_STORE_ACCOUNT_APPSERVICE, "irc"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "carol", MXD_STORE_ACCOUNT_APPSERVICE, "nobody"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "_irc_ghost", MXD_STORE_ACCOUNT_APPSERVICE, "irc"), MXD_OK);
  EXPECT_EQ(add(store, "_irc_bot", MXD_STORE_ACCOUNT_APPSERVICE, "irc"), MXD_BUSY);
}

// T9
TEST_F(AccountTest, NamespacesAreMatchedFromTheStart) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "bot", "@irc_"), MXD_OK);
  EXPECT_EQ(add(store, "irc_a", MXD_STORE_ACCOUNT_APPSERVICE, "irc"), MXD_OK);
  EXPECT_EQ(store.authenticate_as("irc-token", "@irc_a:example.org", nullptr).status, MXD_OK);
  EXPECT_EQ(add(store, "irc_b"), MXD_FORBIDDEN) << "reserved";
  EXPECT_EQ(add(store, "x@irc_", MXD_STORE_ACCOUNT_APPSERVICE, "irc"), MXD_FORBIDDEN);
  EXPECT_EQ(add(store, "my_irc_a"), MXD_OK) << "not from the start";
  ASSERT_EQ(store.add_service("sms", "sms-token", "sms", "irc_|@sms_.*:example\\.org$"), MXD_OK);
  EXPECT_EQ(add(store, "sms_a", MXD_STORE_ACCOUNT_APPSERVICE, "sms"), MXD_OK);
  EXPECT_EQ(add(store, "irc_c", MXD_STORE_ACCOUNT_APPSERVICE, "sms"), MXD_FORBIDDEN);
}

// T9
TEST_F(AccountTest, ExpressionsThatCanNotBeTakenAreNamed) {
  mxd_store_service service{};
  service.size = sizeof service;
  service.id = view("irc");
  service.as_token = view("irc-token");
  service.sender_localpart = view("bot");
  const mxd_view expression = view("@irc_(?!bot).*");
  service.user_namespaces = &expression;
  service.user_namespace_count = 1;
  char error[256];
  EXPECT_EQ(library().add_service(store.get(), &service, error, sizeof error),
            MXD_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error).find("@irc_(?!bot).*"), std::string::npos) << error;
}

TEST_F(AccountTest, AreListedByUserId) {
  ASSERT_EQ(store.add_service("irc", "irc-token", "_irc_bot"), MXD_OK);
  for (int i = 0; i < 300; ++i)
    store.add_user("u" + std::to_string(1000 + i));
  store.set_flags("alice", MXD_STORE_ACCOUNT_SUSPENDED | MXD_STORE_ACCOUNT_LOCKED);
  struct Seen {
    std::vector<std::string> ids;
    uint32_t alice_flags = 0;
    std::string bot_service;
  } seen;
  const auto visit = [](mxd_cookie cookie, const mxd_store_account* account) noexcept -> int32_t {
    Seen& s = *reinterpret_cast<Seen*>(cookie);
    s.ids.emplace_back(account->user_id.data, account->user_id.size);
    if (s.ids.back() == "@alice:example.org") s.alice_flags = account->flags;
    if (s.ids.back() == "@_irc_bot:example.org") {
      s.bot_service.assign(account->service_id.data, account->service_id.size);
    }
    return MXD_OK;
  };
  mxd_store_account_query query{};
  query.size = sizeof query;
  const auto list = [&] {
    seen = {};
    return library().list_accounts(store.get(), &query, visit, reinterpret_cast<mxd_cookie>(&seen),
                                   nullptr, 0);
  };
  ASSERT_EQ(list(), MXD_OK);
  EXPECT_EQ(seen.ids.size(), 302u);
  EXPECT_TRUE(std::is_sorted(seen.ids.begin(), seen.ids.end()));
  EXPECT_EQ(seen.alice_flags, MXD_STORE_ACCOUNT_SUSPENDED | MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(seen.bot_service, "irc");

  query.after = view("@u1290:example.org");
  ASSERT_EQ(list(), MXD_OK);
  EXPECT_EQ(seen.ids.size(), 9u);
  EXPECT_EQ(seen.ids.front(), "@u1291:example.org");
}

TEST_F(AccountTest, AVisitorEndsTheListWithAStatusOfItsOwn) {
  store.add_user("bob");
  mxd_store_account_query query{};
  query.size = sizeof query;
  int visits = 0;
  const auto visit = [](mxd_cookie cookie, const mxd_store_account*) noexcept -> int32_t {
    ++*reinterpret_cast<int*>(cookie);
    return MXD_CANCELLED;
  };
  EXPECT_EQ(library().list_accounts(store.get(), &query, visit,
                                    reinterpret_cast<mxd_cookie>(&visits), nullptr, 0),
            MXD_CANCELLED);
  EXPECT_EQ(visits, 1);
}

TEST_F(AccountTest, PasswordsAreChecked) {
  store.add_user("bob", "right");
  EXPECT_EQ(store.check_password("bob", "right").user_id, "@bob:example.org");
  EXPECT_EQ(check(store, "@bob:example.org", "right"), MXD_OK);
  EXPECT_EQ(check(store, "bob", "wrong"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "bob", ""), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "nobody", "right"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "alice", ""), MXD_FORBIDDEN) << "no password";
  EXPECT_EQ(rows("accounts WHERE password_hash LIKE '$argon2id$%'"), 1);
}

TEST_F(AccountTest, AHashOfAnotherFormMatchesNothing) {
  store.add_user("bob", "right");
  execute(
      "UPDATE accounts SET password_hash = '$argon2id$v=19$m=65536,t=2,p=1$0000'"
      " WHERE user_id = '@bob:example.org'");
  EXPECT_EQ(check(store, "bob", "right"), MXD_FORBIDDEN);
}

// No account has one, and none is made with one.
TEST_F(AccountTest, APasswordWithU0000MatchesNothing) {
  store.add_user("bob", "right");
  using namespace std::string_view_literals;
  EXPECT_EQ(check(store, "bob", "right\0"sv), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "bob", "\0"sv), MXD_FORBIDDEN);
  EXPECT_EQ(store.set_password("bob", "a\0b"sv).status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(check(store, "bob", "right"), MXD_OK);
}

TEST_F(AccountTest, PasswordIsSet) {
  const auto set = [&](std::string_view name, std::string_view password) {
    return store.set_password(name, password).status;
  };
  EXPECT_EQ(set("alice", "new"), MXD_OK);
  EXPECT_EQ(check(store, "alice", "new"), MXD_OK);
  EXPECT_EQ(set("alice", ""), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(set("nobody", "new"), MXD_NOT_FOUND);
  store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(set("alice", "new"), MXD_FORBIDDEN);
  EXPECT_EQ(check(store, "alice", "new"), MXD_FORBIDDEN);
}

TEST_F(AccountTest, PasswordIsSetAndDevicesAreSignedOutAtOnce) {
  store.add_user("bob", "old");
  const Tokens phone = store.login("bob", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens other = store.login("alice", "OTHER");
  EXPECT_EQ(store.set_password("bob", "new").status, MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK) << "kept without the flag";
  EXPECT_EQ(store.set_password("bob", "", MXD_STORE_PASSWORD_SIGN_OUT).status,
            MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK) << "nothing was changed";
  EXPECT_EQ(store.set_password("Bob", "newer", MXD_STORE_PASSWORD_SIGN_OUT).status, MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(phone.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_TRUE(store.list("@bob:example.org").devices.empty());
  EXPECT_EQ(check(store, "bob", "newer"), MXD_OK);
  EXPECT_EQ(store.authenticate(other.access_token).status, MXD_OK) << "somebody else's";
}

TEST_F(AccountTest, IsFoundWithItsState) {
  const FoundAccount plain = store.find_account("@Alice:EXAMPLE.org");
  ASSERT_EQ(plain.status, MXD_OK) << plain.error;
  EXPECT_EQ(plain.user_id, alice);
  EXPECT_EQ(plain.flags, 0u) << "no password";
  EXPECT_EQ(plain.created_ms, surroundings.now_ms);
  EXPECT_EQ(plain.last_seen_ms, -1);
  EXPECT_EQ(plain.device_count, 0);

  store.set_password("alice", "right");
  store.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED | MXD_STORE_ACCOUNT_SUSPENDED);
  EXPECT_EQ(store.find_account("alice").flags, uint32_t{MXD_STORE_ACCOUNT_LOCKED} |
                                                   MXD_STORE_ACCOUNT_SUSPENDED |
                                                   MXD_STORE_ACCOUNT_HAS_PASSWORD);
  store.set_flags("alice", 0, MXD_STORE_ACCOUNT_LOCKED | MXD_STORE_ACCOUNT_SUSPENDED);
  store.login("alice", "A");
  const int64_t made_ms = surroundings.now_ms;
  surroundings.now_ms += 100'000;
  store.authenticate(store.login("alice", "B").access_token);
  EXPECT_TRUE(eventually([&] { return store.find_account("alice").last_seen_ms != -1; }));
  const FoundAccount seen = store.find_account("alice");
  EXPECT_EQ(seen.last_seen_ms, surroundings.now_ms);
  EXPECT_EQ(seen.created_ms, made_ms);
  EXPECT_EQ(seen.device_count, 2);

  store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED);
  const FoundAccount gone = store.find_account("alice");
  EXPECT_EQ(gone.flags, uint32_t{MXD_STORE_ACCOUNT_DEACTIVATED});
  EXPECT_EQ(gone.device_count, 0);
  EXPECT_EQ(store.find_account(store.add_guest()).flags, uint32_t{MXD_STORE_ACCOUNT_GUEST});
  for (const char* name : {"nobody", "", "@alice:example.com"}) {
    const FoundAccount nobody = store.find_account(name);
    EXPECT_EQ(nobody.status, MXD_NOT_FOUND) << name;
    EXPECT_NE(nobody.error, "") << name;
  }
}

TEST_F(AccountTest, FlagsThatCanNotBeSetAreRefused) {
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_GUEST), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.set_flags("alice", 0, MXD_STORE_ACCOUNT_DEACTIVATED), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.set_flags("nobody", MXD_STORE_ACCOUNT_LOCKED), MXD_NOT_FOUND);
}

TEST_F(AccountTest, DeactivationLeavesNothingToLogInWith) {
  store.add_user("bob", "password");
  store.login("bob", "A", MXD_STORE_LOGIN_REFRESHABLE);
  store.login("bob", "B");
  execute(
      "INSERT INTO user_threepids SELECT 'email', 'bob@example.org', account FROM accounts"
      " WHERE user_id = '@bob:example.org'");
  EXPECT_EQ(store.set_flags("bob", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
  EXPECT_TRUE(store.list("@bob:example.org").devices.empty());
  for (const char* table : {"access_tokens", "refresh_tokens", "token_pairs", "user_threepids"}) {
    EXPECT_EQ(rows(table), 0) << table;
  }
  EXPECT_EQ(rows("accounts WHERE password_hash IS NOT NULL"), 0);
  EXPECT_EQ(store.put("@bob:example.org", "C", "x").status, MXD_HOST_ERROR);
}

}  // namespace
}  // namespace mxd::test
