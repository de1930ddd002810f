// Tokens at the callback: rows A4 to A13 of the behaviour table, and last seen.
#include <array>
#include <atomic>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using AuthenticateTest = AliceTest;

constexpr char kAsToken[] = "as-token-of-the-irc-bridge";

TEST_F(AuthenticateTest, TokenGivesItsUserAndDevice) {
  const Tokens tokens = store.login("alice", "PHONE");
  const Answer answer = store.authenticate(tokens.access_token);
  ASSERT_EQ(answer.status, MXD_OK);
  ASSERT_EQ(answer.principals.size(), 1u);
  EXPECT_EQ(answer.principals[0].user_id, "@alice:example.org");
  EXPECT_EQ(answer.principals[0].device_id, "PHONE");
  EXPECT_EQ(answer.principals[0].flags, 0u);
  EXPECT_EQ(answer.principals[0].cookie, 0u);
}

TEST_F(AuthenticateTest, UnknownTokens) {
  const Tokens tokens = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  for (const std::string& token : {std::string("mxt_nobody"), std::string(), std::string(1, '\0'),
                                   tokens.access_token + "x", tokens.refresh_token}) {
    const Answer answer = store.authenticate(token);
    EXPECT_EQ(answer.status, MXD_UNKNOWN_TOKEN);
    EXPECT_TRUE(answer.principals.empty());
  }
}

TEST_F(AuthenticateTest, ExpiredToken) {
  EXPECT_EQ(store.authenticate(store.login("alice", "A", 0, 0).access_token).status,
            MXD_TOKEN_EXPIRED);
  const Tokens tokens = store.login("alice", "B", 0, 1000);
  EXPECT_EQ(tokens.expires_in_ms, 1000);
  surroundings.now_ms += 999;
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_OK);
  surroundings.now_ms += 1;
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_TOKEN_EXPIRED);
  const Tokens endless = store.login("alice", "C", 0, INT64_MAX);
  EXPECT_EQ(store.authenticate(endless.access_token).status, MXD_OK);
}

TEST_F(AuthenticateTest, LockedSuspendedDeactivated) {
  const Tokens tokens = store.login("alice", "PHONE");
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED), MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_USER_LOCKED);
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_SUSPENDED, MXD_STORE_ACCOUNT_LOCKED),
            MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_OK);
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(AuthenticateTest, FlagsOfGuestsAndOAuthTokens) {
  const std::string guest = store.add_guest();
  EXPECT_EQ(store.authenticate(store.login(guest, "").access_token).principals.at(0).flags,
            MXD_PRINCIPAL_GUEST);
  const Tokens oauth = store.login("alice", "", MXD_STORE_LOGIN_OAUTH);
  EXPECT_EQ(store.authenticate(oauth.access_token).principals.at(0).flags, MXD_PRINCIPAL_OAUTH);
}

TEST_F(AuthenticateTest, ValidationIsRememberedByTheDevice) {
  const Tokens tokens = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Principal before = store.authenticate(tokens.access_token).principals.at(0);
  EXPECT_EQ(before.flags & MXD_PRINCIPAL_HAS_VALIDATED_MS, 0u);
  EXPECT_EQ(store.mark_validated(alice, "PHONE", 1234).status, MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).principals.at(0).validated_ms, 1234);

  const Tokens refreshed = store.refresh(tokens.refresh_token);
  const Principal after = store.authenticate(refreshed.access_token).principals.at(0);
  EXPECT_EQ(after.flags & MXD_PRINCIPAL_HAS_VALIDATED_MS, MXD_PRINCIPAL_HAS_VALIDATED_MS);
  EXPECT_EQ(after.validated_ms, 1234);

  const Tokens anew = store.login("alice", "PHONE");
  EXPECT_EQ(store.authenticate(anew.access_token).principals.at(0).flags, 0u);
}

TEST_F(AuthenticateTest, ServiceActsAsItsSenderWithoutLimits) {  // A9, P6
  ASSERT_EQ(store.add_service("irc", kAsToken, "_irc_bot"), MXD_OK);
  const Answer answer = store.authenticate(kAsToken);
  ASSERT_EQ(answer.status, MXD_OK);
  const Principal& principal = answer.principals.at(0);
  EXPECT_EQ(principal.user_id, "@_irc_bot:example.org");
  EXPECT_EQ(principal.device_id, "");
  EXPECT_EQ(principal.service_id, "irc");
  EXPECT_EQ(principal.token_id, "irc");
  EXPECT_EQ(principal.flags, MXD_PRINCIPAL_APPSERVICE | MXD_PRINCIPAL_UNLIMITED);
  EXPECT_EQ(
      store.authenticate_as(kAsToken, "@_irc_bot:example.org", nullptr).principals.at(0).flags,
      principal.flags)
      << "named, it is the sender all the same";
}

TEST_F(AuthenticateTest, ServiceActsAsRegisteredUsersOfItsNamespace) {
  ASSERT_EQ(store.add_service("irc", kAsToken, "_irc_bot"), MXD_OK);
  const char* const ghost = "@_irc_ghost:example.org";
  EXPECT_EQ(store.authenticate_as(kAsToken, ghost, nullptr).status, MXD_FORBIDDEN);
  mxd_store_new_account account{};
  account.size = sizeof account;
  account.flags = MXD_STORE_ACCOUNT_APPSERVICE;
  account.name = view("_irc_ghost");
  account.service_id = view("irc");
  ASSERT_EQ(store.add(account).status, MXD_OK);
  const Answer answer = store.authenticate_as(kAsToken, ghost, nullptr);
  ASSERT_EQ(answer.status, MXD_OK);
  EXPECT_EQ(answer.principals.at(0).user_id, ghost);
  EXPECT_EQ(answer.principals.at(0).flags, MXD_PRINCIPAL_APPSERVICE);
  ASSERT_EQ(store.add_service("free", "mxs_free", "_irc_free", "@_irc_.*:example\\.org", false,
                              MXD_STORE_SERVICE_UNLIMITED),
            MXD_OK);
  EXPECT_EQ(store.authenticate_as("mxs_free", ghost, nullptr).principals.at(0).flags,
            MXD_PRINCIPAL_APPSERVICE | MXD_PRINCIPAL_UNLIMITED);

  EXPECT_EQ(store.authenticate_as(kAsToken, "@alice:example.org", nullptr).status, MXD_FORBIDDEN);
  EXPECT_EQ(store.authenticate_as(kAsToken, "x@_irc_ghost:example.org", nullptr).status,
            MXD_FORBIDDEN);
  EXPECT_EQ(store.authenticate_as(kAsToken, "@_irc_ghost:example.orgx", nullptr).status,
            MXD_FORBIDDEN);
  EXPECT_EQ(store.authenticate_as(kAsToken, "", nullptr).status, MXD_FORBIDDEN);
  EXPECT_EQ(store.set_flags("_irc_ghost", MXD_STORE_ACCOUNT_LOCKED), MXD_OK);
  EXPECT_EQ(store.authenticate_as(kAsToken, ghost, nullptr).status, MXD_USER_LOCKED);
  EXPECT_EQ(store.set_flags("_irc_ghost", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
  EXPECT_EQ(store.authenticate_as(kAsToken, ghost, nullptr).status, MXD_FORBIDDEN);
}

TEST_F(AuthenticateTest, ServiceActsOnADevice) {
  ASSERT_EQ(store.add_service("irc", kAsToken, "_irc_bot"), MXD_OK);
  const char* const bot = "@_irc_bot:example.org";
  EXPECT_EQ(store.put(bot, "BRIDGE", "Bridge").status, MXD_CREATED);
  const Answer answer = store.authenticate_as(kAsToken, bot, "BRIDGE", "198.51.100.7");
  ASSERT_EQ(answer.status, MXD_OK);
  EXPECT_EQ(answer.principals.at(0).device_id, "BRIDGE");
  EXPECT_EQ(store.authenticate_as(kAsToken, nullptr, "BRIDGE").status, MXD_OK);
  EXPECT_EQ(store.authenticate_as(kAsToken, bot, "OTHER").status, MXD_UNKNOWN_DEVICE);
  EXPECT_EQ(store.authenticate_as(kAsToken, nullptr, "").status, MXD_UNKNOWN_DEVICE);

  // Nobody waits for that to be written.
  const auto device = [&] { return store.get(bot, "BRIDGE").devices.at(0); };
  EXPECT_TRUE(eventually([&] { return device().last_seen_ip.has_value(); }));
  EXPECT_EQ(device().last_seen_ip, "198.51.100.7");
  EXPECT_EQ(device().last_seen_ts_ms, surroundings.now_ms.load());
}

TEST_F(AuthenticateTest, OrdinaryTokensIgnoreMasquerading) {
  store.add_user("bob");
  const Tokens tokens = store.login("alice", "PHONE");
  const Answer answer = store.authenticate_as(tokens.access_token, "@bob:example.org", "X");
  ASSERT_EQ(answer.status, MXD_OK);
  EXPECT_EQ(answer.principals.at(0).user_id, "@alice:example.org");
  EXPECT_EQ(answer.principals.at(0).device_id, "PHONE");
}

TEST_F(AuthenticateTest, BadServicesAreRefused) {
  EXPECT_EQ(store.add_service("irc", kAsToken, "_irc_bot"), MXD_OK);
  EXPECT_EQ(store.add_service("irc", "other", "other_bot"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("other", kAsToken, "other_bot"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("other", "other", "other_bot", "@(", true), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("", "other", "other_bot"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("\xff", "other", "other_bot"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("other", "", "other_bot"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.add_service("other", "other", "not a name"), MXD_INVALID_ARGUMENT);
  EXPECT_EQ(store.find_service(kAsToken), "irc");
  EXPECT_EQ(store.find_service("mxt_x"), std::nullopt);
}

mxd_store_service service_named(std::string_view id, std::string_view token) {
  mxd_store_service service{};
  service.size = sizeof service;
  service.id = view(id);
  service.as_token = view(token);
  service.sender_localpart = view(id);
  return service;
}

// O1a
TEST_F(AuthenticateTest, ServicesAreReplacedAsAWholeOrNotAtAll) {
  const auto status_of = [&](std::string_view token) {
    return store.authenticate(std::string(token)).status;
  };
  ASSERT_EQ(store.add_service("old", "old-token", "old_bot"), MXD_OK);
  mxd_view old_id;
  ASSERT_EQ(library().find_service(store.get(), view("old-token"), &old_id), MXD_OK);
  const mxd_store_service first = service_named("first", "first-token");
  const mxd_store_service second = service_named("second", "second-token");
  const mxd_store_service same_token = service_named("third", "second-token");

  const std::array wrong{&first, &second, &same_token};
  char error[256];
  const auto set = [&](const mxd_store_service* const* services, size_t count) {
    return library().set_services(store.get(), services, count, error, sizeof error);
  };
  EXPECT_EQ(set(wrong.data(), wrong.size()), MXD_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error).find("third"), std::string::npos) << error;
  EXPECT_EQ(status_of("old-token"), MXD_OK);
  EXPECT_EQ(status_of("first-token"), MXD_UNKNOWN_TOKEN);

  const std::array right{&first, &second};
  EXPECT_EQ(set(right.data(), right.size()), MXD_OK);
  EXPECT_EQ(status_of("old-token"), MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(status_of("first-token"), MXD_OK);
  EXPECT_EQ(status_of("second-token"), MXD_OK);
  EXPECT_EQ(std::string(old_id.data, old_id.size), "old");

  EXPECT_EQ(set(nullptr, 0), MXD_OK);
  EXPECT_EQ(status_of("first-token"), MXD_UNKNOWN_TOKEN);
}

TEST_F(AuthenticateTest, IdentifyAnswersAsAuthenticateDoes) {
  const Tokens tokens = store.login("alice", "PHONE");
  EXPECT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_SUSPENDED), MXD_OK);
  const Identity identity = store.identify(tokens.access_token);
  ASSERT_EQ(identity.status, MXD_OK);
  EXPECT_EQ(identity.reason, "");
  EXPECT_EQ(identity.user_id, "@alice:example.org");
  EXPECT_EQ(identity.device_id, "PHONE");
  EXPECT_EQ(identity.service_id, "");
  EXPECT_EQ(identity.flags, static_cast<uint32_t>(MXD_STORE_IDENTITY_SUSPENDED));

  const Identity nobody = store.identify("mxt_nobody");
  EXPECT_EQ(nobody.status, MXD_UNKNOWN_TOKEN);
  EXPECT_NE(nobody.reason, "") << "what to do next";
  EXPECT_EQ(nobody.reason.find("nobody"), std::string::npos) << "no token in a reason";

  ASSERT_EQ(store.add_service("irc", kAsToken, "_irc_bot"), MXD_OK);
  const Identity bridge = store.identify(kAsToken);
  EXPECT_EQ(bridge.user_id, "@_irc_bot:example.org");
  EXPECT_EQ(bridge.service_id, "irc");
  EXPECT_EQ(bridge.flags,
            static_cast<uint32_t>(MXD_STORE_IDENTITY_APPSERVICE | MXD_STORE_IDENTITY_UNLIMITED));
}

struct Chain {
  OpenStore& store;
  mxd_credentials credentials;
  std::atomic<int> left;
};

void ask_again(mxd_cookie cookie, int32_t status, const mxd_store_identity*, mxd_view) noexcept {
  Chain& at = *reinterpret_cast<Chain*>(cookie);
  EXPECT_EQ(status, MXD_OK);
  if (--at.left == 0) return;
  EXPECT_EQ(library().identify(at.store.get(), &at.credentials, ask_again, cookie), MXD_OK);
}

// More of them inside each other than there are connections: none is held while `done` runs.
TEST_F(AuthenticateTest, DoneMayCallTheStore) {
  const Tokens tokens = store.login("alice", "PHONE");
  Chain chain{store, {}, 200};
  chain.credentials.size = sizeof chain.credentials;
  chain.credentials.access_token = view(tokens.access_token);
  ASSERT_EQ(library().identify(store.get(), &chain.credentials, ask_again,
                               reinterpret_cast<mxd_cookie>(&chain)),
            MXD_OK);
  EXPECT_TRUE(eventually([&] { return chain.left == 0; }));
}

TEST_F(AuthenticateTest, LastSeenIsWrittenAtMostOnceAMinute) {
  const std::string token = store.login("alice", "PHONE").access_token;
  const int64_t start = surroundings.now_ms;
  const auto seen_at = [&](int64_t offset_ms, std::string_view address) {
    surroundings.now_ms = start + offset_ms;
    EXPECT_EQ(store.authenticate(token, address).status, MXD_OK);
    // What is to be written comes in order.
    const std::string other = "OTHER" + std::to_string(offset_ms);
    store.authenticate(store.login("alice", other).access_token);
    EXPECT_TRUE(eventually(
        [&] { return store.get(alice, other).devices.at(0).last_seen_ts_ms.has_value(); }));
    return store.get(alice, "PHONE").devices.at(0);
  };
  EXPECT_EQ(store.get(alice, "PHONE").devices.at(0).last_seen_ts_ms, std::nullopt);
  EXPECT_EQ(seen_at(0, "192.0.2.1").last_seen_ip, "192.0.2.1");
  EXPECT_EQ(seen_at(59'999, "192.0.2.2").last_seen_ts_ms, start);
  const Device device = seen_at(60'000, "192.0.2.3");
  EXPECT_EQ(device.last_seen_ts_ms, start + 60'000);
  EXPECT_EQ(device.last_seen_ip, "192.0.2.3");
  EXPECT_EQ(seen_at(120'000, "").last_seen_ip, "192.0.2.3");
  EXPECT_EQ(seen_at(-60'000, "192.0.2.4").last_seen_ts_ms, start - 60'000) << "clock set back";
}

TEST_F(AuthenticateTest, LastSeenIsWrittenWithoutOtherWritesAndAtClose) {
  const std::string token = store.login("alice", "PHONE").access_token;
  EXPECT_EQ(store.authenticate(token).status, MXD_OK);
  while (store.get(alice, "PHONE").devices.at(0).last_seen_ts_ms == std::nullopt) {
    std::this_thread::yield();
  }
  surroundings.now_ms += 60'000;
  EXPECT_EQ(store.authenticate(token, "192.0.2.9").status, MXD_OK);
  store.close();
  EXPECT_EQ(rows("devices WHERE last_seen_ip = '192.0.2.9'"), 1);
}

TEST_F(AuthenticateTest, ManyThreadsReadAtOnce) {
  const std::string token = store.login("alice", "PHONE").access_token;
  std::vector<std::thread> readers;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    readers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        if (store.authenticate(token).status == MXD_OK && store.list(alice).devices.size() == 1) {
          ++right;
        }
      }
    });
  }
  for (std::thread& reader : readers)
    reader.join();
  EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace mxd::test
