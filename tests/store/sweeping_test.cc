// What is removed in the background: T6, T11, and devices that are gone.
#include <optional>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;

class SweepingTest : public AliceTest {
 protected:
  // A store sweeps when it is opened.
  void reopen() {
    store.close();
    again.emplace(url(), surroundings);
    ASSERT_EQ(again->status(), MXD_OK) << again->error();
  }

  void set_lifetimes(int64_t refresh_token_ms, int64_t guest_ms, int64_t device_ms) {
    mxd_store_lifetimes lifetimes{};
    lifetimes.size = sizeof lifetimes;
    lifetimes.refresh_token_ms = refresh_token_ms;
    lifetimes.guest_ms = guest_ms;
    lifetimes.device_ms = device_ms;
    EXPECT_EQ(library().set_lifetimes(again->get(), &lifetimes, nullptr, 0), MXD_OK);
  }

  std::string add_guest() { return store.add_guest(); }

  bool is_seen(std::string_view user_id, std::string_view device_id) {
    return store.get(user_id, device_id).devices.at(0).last_seen_ts_ms.has_value();
  }

  std::optional<OpenStore> again;
};

TEST_F(SweepingTest, ExpiredAccessTokensGoAndAreStillKnown) {  // T11, T2
  const Tokens expired = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens other = store.login("alice", "B", 0, 2 * kDayMs);
  const Tokens lasting = store.login("alice", "C");
  surroundings.now_ms += kDayMs;
  reopen();
  EXPECT_TRUE(eventually([&] { return rows("access_tokens") == 2; }));
  EXPECT_EQ(again->authenticate(expired.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(again->authenticate(other.access_token).status, MXD_OK);
  EXPECT_EQ(again->authenticate(lasting.access_token).status, MXD_OK);
  EXPECT_EQ(again->refresh(expired.refresh_token).status, MXD_OK) << "it is for this";
}

TEST_F(SweepingTest, JustExpiredAccessTokenStillLogsOut) {
  const Tokens tokens = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
  surroundings.now_ms += tokens.expires_in_ms;
  reopen();
  EXPECT_EQ(again->logout(tokens.access_token), MXD_OK);
}

TEST_F(SweepingTest, RefreshTokensUnusedForTooLongGo) {  // T11
  const Tokens unused = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE, 400 * kDayMs);
  const Tokens old = store.login("alice", "B", MXD_STORE_LOGIN_REFRESHABLE);
  surroundings.now_ms += 360 * kDayMs;
  const Tokens unread = store.refresh(old.refresh_token);
  surroundings.now_ms += 10 * kDayMs;
  reopen();
  EXPECT_TRUE(eventually([&] { return rows("access_tokens") == 1; })) << "expired ones are swept";
  EXPECT_EQ(rows("refresh_tokens"), 3) << "for good, until a lifetime is set";
  set_lifetimes(365 * kDayMs, 0, 0);
  EXPECT_TRUE(eventually([&] { return rows("refresh_tokens") == 2; }));
  EXPECT_EQ(again->refresh(unused.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(again->authenticate(unused.access_token).status, MXD_OK) << "it has its own time";
  EXPECT_EQ(again->refresh(old.refresh_token).status, MXD_OK) << "used ten days ago";
  EXPECT_EQ(again->refresh(unread.refresh_token).status, MXD_OK);
}

TEST_F(SweepingTest, ExpiredSessionsGo) {  // T11, U20
  store.create_session(session_of("one", surroundings.now_ms + kHourMs));
  store.create_session(session_of("two", surroundings.now_ms + 2 * kHourMs));
  surroundings.now_ms += kHourMs;
  reopen();
  EXPECT_TRUE(eventually([&] { return rows("uia_sessions") == 1; }));
}

TEST_F(SweepingTest, UnusedGuestsGo) {  // T6
  const std::string unused = add_guest(), used = add_guest(), seen_long_ago = add_guest();
  store.login(unused, "X");
  const std::string token = store.login(used, "X").access_token;
  store.authenticate(store.login(seen_long_ago, "X").access_token);
  EXPECT_TRUE(eventually([&] { return is_seen(seen_long_ago, "X"); }));
  surroundings.now_ms += 29 * kDayMs;
  store.authenticate(token);
  EXPECT_TRUE(eventually([&] { return is_seen(used, "X"); }));
  const std::string young = add_guest();
  surroundings.now_ms += kDayMs;
  reopen();
  set_lifetimes(0, 30 * kDayMs, 0);
  EXPECT_TRUE(eventually([&] { return rows("accounts WHERE guest") == 2; }));
  EXPECT_EQ(again->list(unused).devices.size(), 0u);
  EXPECT_EQ(again->list(seen_long_ago).devices.size(), 0u);
  EXPECT_EQ(again->authenticate(token).status, MXD_OK);
  EXPECT_EQ(again->login(young, "X").status, MXD_OK);
  EXPECT_EQ(rows("accounts WHERE NOT guest"), 1) << "nobody else's";
  EXPECT_EQ(rows("devices"), 2);
}

TEST_F(SweepingTest, UnusedDevicesGoAsTheirUserDeletesThem) {  // T11, D12
  const Tokens never_seen = store.login("alice", "NEVER", MXD_STORE_LOGIN_REFRESHABLE);
  const std::string seen = store.login("alice", "SEEN").access_token;
  const Tokens seen_long_ago = store.login("alice", "LONG_AGO");
  store.authenticate(seen_long_ago.access_token);
  EXPECT_TRUE(eventually([&] { return is_seen(alice, "LONG_AGO"); }));
  surroundings.now_ms += 80 * kDayMs;
  store.authenticate(seen);
  EXPECT_TRUE(eventually([&] { return is_seen(alice, "SEEN"); }));
  store.login("alice", "YOUNG");
  mxd_uia_session session = session_of("id", surroundings.now_ms + 1000 * kDayMs);
  session.device_id = view("NEVER");
  store.create_session(session);
  surroundings.now_ms += 10 * kDayMs;
  reopen();
  set_lifetimes(0, 0, 90 * kDayMs);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 2; }));
  EXPECT_EQ(device_ids(again->list(alice)), (std::vector<std::string>{"SEEN", "YOUNG"}));
  EXPECT_EQ(again->authenticate(seen_long_ago.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(again->refresh(never_seen.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(rows("device_list_changes"), 1);
  EXPECT_EQ(rows("uia_sessions"), 0);
}

TEST_F(SweepingTest, PagesAreLookedThroughToTheEnd) {
  database.add_devices(alice, 1700);
  execute(
      "UPDATE devices SET created_ms = 9000000000000000"
      " WHERE CAST(substr(device_id, 7) AS integer) % 3 = 0");
  reopen();
  set_lifetimes(0, 0, kDayMs);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 1700 / 3; }));
}

TEST_F(SweepingTest, IsDoneWhenItIsAskedFor) {
  const auto sweep = [&] {
    mxd_store_swept swept{};
    swept.size = sizeof swept;
    EXPECT_EQ(library().sweep(again->get(), &swept, nullptr, 0), MXD_OK);
    return swept;
  };
  const std::string guest = add_guest();
  store.login(guest, "X");
  store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
  store.login("alice", "B", 0, kHourMs);
  store.create_session(session_of("one", surroundings.now_ms + kHourMs));
  reopen();
  const mxd_store_swept nothing = sweep();
  EXPECT_EQ(nothing.access_tokens + nothing.refresh_tokens + nothing.sessions + nothing.guests +
                nothing.devices,
            0);
  surroundings.now_ms += 40 * kDayMs;
  // No minute goes by.
  const mxd_store_swept swept = sweep();
  EXPECT_EQ(swept.access_tokens, 2);
  EXPECT_EQ(swept.sessions, 1);
  EXPECT_EQ(swept.refresh_tokens, 0);
  EXPECT_EQ(swept.guests, 0);
  EXPECT_EQ(swept.devices, 0);
  EXPECT_EQ(rows("access_tokens"), 1) << "the guest's has no end";
  EXPECT_EQ(rows("uia_sessions"), 0);
  set_lifetimes(30 * kDayMs, 30 * kDayMs, 39 * kDayMs);
  const mxd_store_swept all = sweep();
  EXPECT_EQ(all.access_tokens, 2) << "since it was opened";
  EXPECT_EQ(all.refresh_tokens, 1);
  EXPECT_EQ(all.guests, 1);
  EXPECT_EQ(all.devices, 2);
  EXPECT_EQ(rows("accounts WHERE guest"), 0);
  EXPECT_EQ(rows("devices"), 0);
}

TEST_F(SweepingTest, FailsWhereTheDatabaseIsLocked) {
  store.login("alice", "A", 0, kHourMs);
  surroundings.now_ms += kDayMs;
  auto lock = database.lock_writes();
  mxd_store_swept swept{};
  swept.size = sizeof swept;
  char error[256];
  const int32_t status = library().sweep(store.get(), &swept, error, sizeof error);
  EXPECT_TRUE(status == MXD_UNAVAILABLE || status == MXD_TIMEOUT) << status;
  EXPECT_STRNE(error, "");
  EXPECT_EQ(swept.access_tokens, 0);
  EXPECT_EQ(rows("access_tokens"), 1);
  lock.reset();
  EXPECT_EQ(library().sweep(store.get(), &swept, error, sizeof error), MXD_OK) << error;
  EXPECT_EQ(rows("access_tokens"), 0);
}

// However many there are: from the commit on nothing of them is seen, by no process.
class GoneTest : public SweepingTest {
 protected:
  static constexpr int kDevices = 20'000;

  // With a token, of which one is known, and what hangs off a device.
  void add_devices(int count) {
    known = store.login("alice", "KNOWN", MXD_STORE_LOGIN_REFRESHABLE);
    database.add_devices(alice, count - 1);
    database.add_tokens();
    database.add_for_devices("device_keys", "key_json", "'{}'");
    database.add_for_devices("one_time_keys", "algorithm, key_id, key_json",
                             "'curve25519', 'k1', '{}'");
    ASSERT_EQ(rows("devices"), count);
  }

  void expect_gone(OpenStore& at) {
    EXPECT_EQ(at.list(alice).devices.size(), 0u);
    EXPECT_EQ(at.get(alice, "DEVICE00001").status, MXD_NOT_FOUND);
    EXPECT_EQ(at.rename(alice, "DEVICE00001", "x").status, MXD_NOT_FOUND);
    EXPECT_EQ(at.authenticate(known.access_token).status, MXD_UNKNOWN_TOKEN);
    EXPECT_EQ(at.refresh(known.refresh_token).status, MXD_UNKNOWN_TOKEN);
    EXPECT_EQ(at.logout(known.access_token, true), MXD_UNKNOWN_TOKEN);
  }

  Tokens known;
};

TEST_F(GoneTest, LogoutOfManyDevicesIsSeenAtOnceByAll) {
  add_devices(kDevices);
  OpenStore other(url(), surroundings);
  ASSERT_EQ(store.logout(known.access_token, true), MXD_OK);
  expect_gone(store);
  expect_gone(other);
  EXPECT_EQ(rows("device_list_changes"), 1);
  EXPECT_EQ(store.put(alice, "DEVICE00042", "one of the old IDs, new").status, MXD_CREATED);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 1; }));
  EXPECT_EQ(store.get(alice, "DEVICE00042").devices.at(0).display_name, "one of the old IDs, new");
  for (const char* table : {"access_tokens", "refresh_tokens", "token_pairs", "one_time_keys"})
    EXPECT_EQ(rows(table), 0) << table;
}

// A process that ends in between: the next one sees none of them either, and removes the rest.
TEST_F(GoneTest, RemovalIsFinishedAfterARestart) {
  add_devices(kDevices);
  ASSERT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
  reopen();
  expect_gone(*again);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 0; }));
}

TEST_F(GoneTest, MessagesOfADeviceThatIsGoneAreRemovedToo) {
  const std::string token = store.login("alice", "A").access_token;
  database.add_for_devices("to_device_inbox", "message_json", "'{\"type\":\"m.dummy\"}'", 30'000);
  ASSERT_EQ(store.logout(token, true), MXD_OK);
  EXPECT_EQ(store.list(alice).devices.size(), 0u);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 0; }));
  EXPECT_EQ(rows("to_device_inbox"), 0);
}

}  // namespace
}  // namespace mxd::test
