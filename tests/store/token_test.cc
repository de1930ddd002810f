// Login, refresh, logout; and that nothing secret is on the disk in clear.
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using TokenTest = AliceTest;

TEST_F(TokenTest, LoginMakesADeviceAndAToken) {
  const Tokens tokens = store.login("@alice:example.org", "", 0, -1, "Laptop");
  ASSERT_EQ(tokens.status, MXD_OK) << tokens.error;
  EXPECT_EQ(tokens.user_id, alice);
  EXPECT_EQ(tokens.device_id.size(), 10u);
  EXPECT_EQ(tokens.access_token.size(), 58u);
  EXPECT_EQ(tokens.access_token.substr(0, 4), "mxt_");
  EXPECT_EQ(tokens.refresh_token, "");
  EXPECT_LT(tokens.expires_in_ms, 0);
  EXPECT_EQ(store.get(alice, tokens.device_id).devices.at(0).display_name, "Laptop");
}

TEST_F(TokenTest, LoginOnADeviceThatIsThereKillsItsOldTokensAndKeepsItsName) {
  const Tokens first = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE, -1, "Phone");
  const Tokens other = store.login("alice", "OTHER");
  const Tokens second = store.login("alice", "PHONE", 0, -1, "Not this");
  ASSERT_EQ(second.status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(other.access_token).status, MXD_OK);
  EXPECT_EQ(store.get(alice, "PHONE").devices.at(0).display_name, "Phone");
  EXPECT_EQ(rows("token_pairs"), 0);
}

// common/token.h
TEST_F(TokenTest, TokensNameTheirAccountWhichOnlyTheKeyOfTheDatabaseTells) {
  constexpr size_t kNamed = 4 + 10;  // the prefix and 60 of the 64 bits
  const auto account_of = [](const std::string& token) { return token.substr(4, kNamed - 4); };
  const Tokens phone = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens laptop = store.login("alice", "LAPTOP");
  const Tokens refreshed = store.refresh(phone.refresh_token);
  EXPECT_EQ(account_of(phone.refresh_token), account_of(phone.access_token));
  EXPECT_EQ(account_of(laptop.access_token), account_of(phone.access_token));
  EXPECT_EQ(account_of(refreshed.access_token), account_of(phone.access_token));
  store.add_user("bob");
  EXPECT_NE(account_of(store.login("bob", "PHONE").access_token), account_of(phone.access_token));

  store.close();
  OpenStore again(url(), surroundings);
  EXPECT_EQ(account_of(again.login("alice", "X").access_token), account_of(phone.access_token));
  const Database another(folder.path(), "other");
  OpenStore other(another.url(), surroundings);
  ASSERT_EQ(other.add_user("alice"), alice);
  EXPECT_NE(account_of(other.login("alice", "X").access_token), account_of(phone.access_token));
}

TEST_F(TokenTest, LoginIsRefused) {
  EXPECT_EQ(store.login("nobody", "X").status, MXD_NOT_FOUND);
  EXPECT_EQ(store.login("alice", std::string(256, 'x')).status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.login("alice", "a\nb").status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.login("alice", "a\xff").status, MXD_INVALID_ARGUMENT);
  for (const std::string& name : {std::string("\xff"), std::string("a\0b", 3)})
    EXPECT_EQ(store.login("alice", "X", 0, -1, name).status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.login("alice", std::string(255, 'x')).status, MXD_OK);
  store.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.login("alice", "X").status, MXD_USER_LOCKED);
  store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED);
  const Tokens refused = store.login("alice", "X");
  EXPECT_EQ(refused.status, MXD_FORBIDDEN);
  EXPECT_NE(refused.error, "");
}

TEST_F(TokenTest, OldPairLivesUntilTheNewAccessTokenIsUsed) {
  const Tokens first = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  EXPECT_EQ(first.expires_in_ms, 10 * 60 * 1000);
  EXPECT_EQ(first.refresh_token.substr(0, 4), "mxr_");
  const Tokens second = store.refresh(first.refresh_token);
  ASSERT_EQ(second.status, MXD_OK) << second.error;
  EXPECT_EQ(second.device_id, "PHONE");
  EXPECT_EQ(second.user_id, alice);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(rows("access_tokens"), 1);
}

TEST_F(TokenTest, OldPairLivesUntilTheNewRefreshTokenIsUsed) {
  const Tokens first = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens second = store.refresh(first.refresh_token);
  const Tokens third = store.refresh(second.refresh_token);
  ASSERT_EQ(third.status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
}

TEST_F(TokenTest, RefreshesAtOnceAreAllGoodUntilOneIsUsed) {  // T1
  const Tokens old = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  std::vector<Tokens> siblings(4);
  std::vector<std::thread> tabs;
  for (Tokens& sibling : siblings)
    tabs.emplace_back([&] { sibling = store.refresh(old.refresh_token); });
  for (std::thread& tab : tabs)
    tab.join();
  for (const Tokens& sibling : siblings)
    ASSERT_EQ(sibling.status, MXD_OK) << sibling.error;
  EXPECT_EQ(store.authenticate(old.access_token).status, MXD_OK) << "none has been used";

  EXPECT_EQ(store.authenticate(siblings[2].access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(old.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(old.refresh_token).status, MXD_TOKEN_EXPIRED);
  for (const int other : {0, 1, 3}) {
    const Tokens& sibling = siblings[static_cast<size_t>(other)];
    EXPECT_EQ(store.authenticate(sibling.access_token).status, MXD_OK) << "runs out by time";
    EXPECT_EQ(store.refresh(sibling.refresh_token).status, MXD_TOKEN_EXPIRED);
  }
  EXPECT_EQ(store.refresh(siblings[2].refresh_token).status, MXD_OK);
  surroundings.now_ms += siblings[0].expires_in_ms;
  EXPECT_EQ(store.authenticate(siblings[0].access_token).status, MXD_TOKEN_EXPIRED);
}

TEST_F(TokenTest, FirstUseMayBeOfARefreshToken) {  // T1
  const Tokens old = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens first = store.refresh(old.refresh_token);
  const Tokens second = store.refresh(old.refresh_token);
  EXPECT_EQ(store.refresh(second.refresh_token).status, MXD_OK);
  EXPECT_EQ(store.refresh(old.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_OK);
}

// T2, A4a: a client told that its token is unknown throws its keys away.
TEST_F(TokenTest, ReplacedTokensAreKnownAsLongAsTheirLoginIsThere) {
  std::vector<Tokens> replaced{store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE)};
  constexpr int kRefreshes = 200;
  int64_t rows = 0;
  const auto all_rows = [&] {
    return number(
        "SELECT (SELECT count(*) FROM access_tokens) + (SELECT count(*) FROM refresh_tokens)"
        " + (SELECT count(*) FROM token_pairs) + (SELECT count(*) FROM token_families)"
        " + (SELECT count(*) FROM old_tokens)");
  };
  for (int i = 0; i < kRefreshes; ++i) {
    replaced.push_back(store.refresh(replaced.back().refresh_token));
    ASSERT_EQ(store.authenticate(replaced.back().access_token).status, MXD_OK);
    if (i == 0) rows = all_rows();
  }
  EXPECT_EQ(all_rows(), rows) << "what is kept does not grow with the refreshes";
  const Tokens live = replaced.back();
  replaced.pop_back();
  for (const Tokens& tokens : replaced) {
    ASSERT_EQ(store.authenticate(tokens.access_token).status, MXD_TOKEN_EXPIRED);
    ASSERT_EQ(store.refresh(tokens.refresh_token).status, MXD_TOKEN_EXPIRED);
    ASSERT_EQ(store.logout(tokens.access_token, true), MXD_TOKEN_EXPIRED);
  }
  const auto expect_unknown = [&](const Tokens& tokens, const char* why) {
    EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN) << why;
    EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_UNKNOWN_TOKEN) << why;
  };
  const Tokens next = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  expect_unknown(replaced.front(), "a login on the same device ID ended it");
  expect_unknown(live, "a login on the same device ID ended it");
  const Tokens last = store.refresh(next.refresh_token);
  EXPECT_EQ(store.authenticate(last.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(next.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.remove(alice, {"PHONE"}).status, MXD_OK);
  expect_unknown(next, "its device is gone");
  expect_unknown(last, "its device is gone");
}

TEST_F(TokenTest, WhatWasNeverGivenOutIsUnknown) {  // T2, A4
  const Tokens old = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens live = store.refresh(old.refresh_token);
  EXPECT_EQ(store.authenticate(live.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(live.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(live.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate("mxt_" + old.refresh_token.substr(4)).status, MXD_UNKNOWN_TOKEN);
  for (size_t at = 0; at < old.access_token.size(); ++at) {
    std::string forged = old.access_token;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(store.authenticate(forged).status, MXD_UNKNOWN_TOKEN) << at;
  }
  for (const std::string& forged :
       {std::string(), std::string("mxt_"), old.access_token + "A",
        old.access_token.substr(0, old.access_token.size() - 1), old.access_token + "=",
        old.access_token + std::string(1, '\0'), "mxt_" + std::string(10'000, 'A')}) {
    EXPECT_EQ(store.authenticate(forged).status, MXD_UNKNOWN_TOKEN) << forged.size();
    EXPECT_EQ(store.refresh(forged).status, MXD_UNKNOWN_TOKEN) << forged.size();
  }
}

TEST_F(TokenTest, RefreshThatIsRepeatedForEverFillsNoDisk) {
  const Tokens old = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens first = store.refresh(old.refresh_token);
  Tokens last;
  for (int i = 0; i < 200; ++i)
    last = store.refresh(old.refresh_token);
  EXPECT_LE(rows("access_tokens"), 65);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(last.access_token).status, MXD_OK);
}

TEST_F(TokenTest, IdentifyingCountsAsTheFirstUse) {
  const Tokens first = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens second = store.refresh(first.refresh_token);
  ASSERT_EQ(store.identify(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.put(alice, "OTHER", "written after it").status, MXD_CREATED);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
}

TEST_F(TokenTest, RefreshedTokenExpiresAndKeepsItsKind) {
  const Tokens first =
      store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE | MXD_STORE_LOGIN_OAUTH, 0);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
  const Tokens second = store.refresh(first.refresh_token);
  EXPECT_EQ(store.authenticate(second.access_token).principals.at(0).flags, MXD_PRINCIPAL_OAUTH);
  surroundings.now_ms += second.expires_in_ms;
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_TOKEN_EXPIRED);
}

TEST_F(TokenTest, RefreshIsRefused) {
  const Tokens tokens = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  EXPECT_EQ(store.refresh(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
  store.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_USER_LOCKED);
  store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, LoginOnANewDeviceOverTheCapIsRefused) {  // T12
  const auto log_in = [&](std::string_view device_id, int64_t max_devices) {
    mxd_store_login login{};
    login.size = sizeof login;
    login.lifetime_ms = -1;
    login.name = view("alice");
    login.device_id = view(device_id);
    login.max_devices = max_devices;
    mxd_store_tokens out{};
    out.size = sizeof out;
    return library().login(store.get(), &login, &out, nullptr, 0);
  };
  EXPECT_EQ(log_in("A", 2), MXD_OK);
  EXPECT_EQ(log_in("", 2), MXD_OK);
  EXPECT_EQ(log_in("C", 2), MXD_LIMIT_EXCEEDED);
  EXPECT_EQ(log_in("", 2), MXD_LIMIT_EXCEEDED);
  EXPECT_EQ(log_in("A", 2), MXD_OK) << "a device that is there";
  EXPECT_EQ(log_in("C", 3), MXD_OK);
  EXPECT_EQ(log_in("D", 0), MXD_OK) << "no cap";
  EXPECT_EQ(log_in("E", INT64_MAX), MXD_OK);
  EXPECT_EQ(log_in("F", -1), MXD_INVALID_ARGUMENT);
}

TEST_F(TokenTest, LogoutDeletesTheDeviceOrAll) {
  const Tokens a = store.login("alice", "A");
  const Tokens b = store.login("alice", "B");
  const Tokens c = store.login("alice", "C");
  EXPECT_EQ(store.logout("mxt_nobody"), MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.logout(a.access_token), MXD_OK);
  EXPECT_EQ(device_ids(store.list(alice)), (std::vector<std::string>{"B", "C"}));
  EXPECT_EQ(store.logout(b.access_token, true), MXD_OK);
  EXPECT_TRUE(store.list(alice).devices.empty());
  EXPECT_EQ(store.authenticate(c.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, NothingSecretIsOnDiskOrInTheLog) {
  store.add_user("bob", "correct horse battery staple");
  const Tokens tokens = store.login("bob", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens refreshed = store.refresh(tokens.refresh_token);
  store.authenticate(refreshed.access_token);
  const std::string session_id(43, 's');
  mxd_uia_session session = session_of(session_id, surroundings.now_ms + 1000);
  session.user_id = view("@bob:example.org");
  ASSERT_EQ(store.create_session(session).status, MXD_OK);
  store.check_user("bob", "wrong donkey");

  const std::string bytes = surroundings.whole_log() + database.bytes();
  ASSERT_NE(bytes.find("@bob:example.org"), std::string::npos) << "the search finds what is there";
  for (const std::string& secret :
       {std::string("correct horse"), std::string("wrong donkey"), tokens.access_token.substr(4),
        tokens.refresh_token.substr(4), refreshed.access_token.substr(4),
        refreshed.refresh_token.substr(4), session_id}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos);
  }
}

}  // namespace
}  // namespace mxd::test
