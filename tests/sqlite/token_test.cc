// Login, refresh, logout; and that nothing secret is on the disk in clear.
#include <fstream>
#include <iterator>

#include "tests/sqlite/store_test.h"

namespace mxd::test {
namespace {

using TokenTest = AliceTest;

TEST_F(TokenTest, LoginMakesADeviceAndAToken) {
  const Tokens tokens = store.login("@alice:example.org", "", 0, -1, "Laptop");
  ASSERT_EQ(tokens.status, MXD_OK) << tokens.error;
  EXPECT_EQ(tokens.user_id, alice);
  EXPECT_EQ(tokens.device_id.size(), 10u);
  EXPECT_EQ(tokens.access_token.size(), 47u);
  EXPECT_EQ(tokens.access_token.substr(0, 4), "mxt_");
  EXPECT_EQ(tokens.refresh_token, "");
  EXPECT_LT(tokens.expires_in_ms, 0);
  EXPECT_EQ(store.get(alice, tokens.device_id).devices.at(0).display_name, "Laptop");
}

TEST_F(TokenTest, LoginOnADeviceThatIsThereKillsItsOldTokensAndKeepsItsName) {
  const Tokens first = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE, -1, "Phone");
  const Tokens other = store.login("alice", "OTHER");
  const Tokens second = store.login("alice", "PHONE", 0, -1, "Not this");
  ASSERT_EQ(second.status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(other.access_token).status, MXD_OK);
  EXPECT_EQ(store.get(alice, "PHONE").devices.at(0).display_name, "Phone");
  EXPECT_EQ(number("SELECT count(*) FROM token_pairs"), 0);
}

TEST_F(TokenTest, LoginIsRefused) {
  EXPECT_EQ(store.login("nobody", "X").status, MXD_NOT_FOUND);
  EXPECT_EQ(store.login("alice", std::string(256, 'x')).status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.login("alice", "a\nb").status, MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.login("alice", std::string(255, 'x')).status, MXD_OK);
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.login("alice", "X").status, MXD_USER_LOCKED);
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_DEACTIVATED);
  const Tokens refused = store.login("alice", "X");
  EXPECT_EQ(refused.status, MXD_FORBIDDEN);
  EXPECT_NE(refused.error, "");
}

TEST_F(TokenTest, OldPairLivesUntilTheNewAccessTokenIsUsed) {
  const Tokens first = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  EXPECT_EQ(first.expires_in_ms, 10 * 60 * 1000);
  EXPECT_EQ(first.refresh_token.substr(0, 4), "mxr_");
  const Tokens second = store.refresh(first.refresh_token);
  ASSERT_EQ(second.status, MXD_OK) << second.error;
  EXPECT_EQ(second.device_id, "PHONE");
  EXPECT_EQ(second.user_id, alice);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(number("SELECT count(*) FROM access_tokens"), 1);
}

TEST_F(TokenTest, OldPairLivesUntilTheNewRefreshTokenIsUsed) {
  const Tokens first = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  const Tokens second = store.refresh(first.refresh_token);
  const Tokens third = store.refresh(second.refresh_token);
  ASSERT_EQ(third.status, MXD_OK);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
}

TEST_F(TokenTest, RefreshWhoseAnswerWasLostMayBeRepeated) {
  const Tokens first = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  const Tokens lost = store.refresh(first.refresh_token);
  const Tokens second = store.refresh(first.refresh_token);
  ASSERT_EQ(second.status, MXD_OK);
  EXPECT_EQ(store.authenticate(lost.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK);
  EXPECT_EQ(store.refresh(first.refresh_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, IdentifyingCountsAsTheFirstUse) {
  const Tokens first = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  const Tokens second = store.refresh(first.refresh_token);
  mxd_credentials credentials{};
  credentials.size = sizeof credentials;
  credentials.access_token = view(second.access_token);
  mxd_sqlite_identity identity{};
  identity.size = sizeof identity;
  ASSERT_EQ(mxd_sqlite_identify(store.get(), &credentials, &identity), MXD_OK);
  EXPECT_EQ(store.put(alice, "OTHER", "written after it").status, MXD_CREATED);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, RefreshedTokenExpiresAndKeepsItsKind) {
  const Tokens first =
      store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE | MXD_SQLITE_LOGIN_OAUTH, 0);
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
  const Tokens second = store.refresh(first.refresh_token);
  EXPECT_EQ(store.authenticate(second.access_token).principals.at(0).flags, MXD_PRINCIPAL_OAUTH);
  surroundings.now_ms += second.expires_in_ms;
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_TOKEN_EXPIRED);
}

TEST_F(TokenTest, RefreshIsRefused) {
  const Tokens tokens = store.login("alice", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  EXPECT_EQ(store.refresh(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_USER_LOCKED);
  store.set_flags("alice", MXD_SQLITE_ACCOUNT_DEACTIVATED);
  EXPECT_EQ(store.refresh(tokens.refresh_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, LogoutDeletesTheDeviceOrAll) {
  const Tokens a = store.login("alice", "A");
  const Tokens b = store.login("alice", "B");
  const Tokens c = store.login("alice", "C");
  EXPECT_EQ(mxd_sqlite_logout(store.get(), view("mxt_nobody"), 0, nullptr), MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(mxd_sqlite_logout(store.get(), view(a.access_token), 0, nullptr), MXD_OK);
  EXPECT_EQ(device_ids(store.list(alice)), (std::vector<std::string>{"B", "C"}));
  EXPECT_EQ(mxd_sqlite_logout(store.get(), view(b.access_token), 1, nullptr), MXD_OK);
  EXPECT_TRUE(store.list(alice).devices.empty());
  EXPECT_EQ(store.authenticate(c.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(TokenTest, NothingSecretIsOnDiskOrInTheLog) {
  store.add_user("bob", "correct horse battery staple");
  const Tokens tokens = store.login("bob", "PHONE", MXD_SQLITE_LOGIN_REFRESHABLE);
  const Tokens refreshed = store.refresh(tokens.refresh_token);
  store.authenticate(refreshed.access_token);
  mxd_session session{};
  session.size = sizeof session;
  session.max_live = 32;
  session.created_ms = surroundings.now_ms;
  session.lifetime_ms = 1000;
  session.user_id = view("@bob:example.org");
  const std::string session_id = *store.create_session(session).session_id;
  store.check("m.login.password",
              R"({"identifier":{"type":"m.id.user","user":"bob"},"password":"wrong donkey"})");

  std::string bytes = surroundings.whole_log();
  for (const char* suffix : {"", "-wal"}) {
    std::ifstream file(path() + suffix, std::ios::binary);
    ASSERT_TRUE(file.good()) << suffix;
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
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
