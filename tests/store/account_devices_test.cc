// Devices and tokens as an operator handles them.
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using AccountDevicesTest = AliceTest;
using Ids = std::vector<std::string>;

Ids ids_of(const std::vector<FoundDevice>& devices) {
  Ids ids;
  for (const FoundDevice& device : devices)
    ids.push_back(device.device_id);
  return ids;
}

TEST_F(AccountDevicesTest, AreListedWithWhatIsKnownOfThem) {
  const int64_t made_ms = surroundings.now_ms;
  store.login("alice", "B", 0, -1, "Alice's \xc3\xa9 phone");
  store.put(alice, "C", "");
  surroundings.now_ms += 100'000;
  store.authenticate(store.login("alice", "A", 0, 1000).access_token, "192.0.2.7");
  EXPECT_TRUE(eventually([&] { return store.devices("alice").at(0).last_seen_ms != -1; }));
  store.login("alice", "D", MXD_STORE_LOGIN_REFRESHABLE);
  store.add_user("bob");
  store.login("bob", "E");
  const auto found = store.devices("@Alice");
  ASSERT_EQ(ids_of(found), (Ids{"A", "B", "C", "D"}));
  EXPECT_EQ(found[0].flags, uint32_t{MXD_STORE_DEVICE_SIGNED_IN});
  EXPECT_EQ(found[0].created_ms, surroundings.now_ms);
  EXPECT_EQ(found[0].last_seen_ms, surroundings.now_ms);
  EXPECT_EQ(found[0].last_seen_ip, "192.0.2.7");
  EXPECT_EQ(found[1].flags,
            uint32_t{MXD_STORE_DEVICE_HAS_DISPLAY_NAME} | MXD_STORE_DEVICE_SIGNED_IN);
  EXPECT_EQ(found[1].created_ms, made_ms);
  EXPECT_EQ(found[1].last_seen_ms, -1);
  EXPECT_EQ(found[1].display_name, "Alice's \xc3\xa9 phone");
  EXPECT_EQ(found[1].last_seen_ip, "");
  EXPECT_EQ(found[2].flags, uint32_t{MXD_STORE_DEVICE_HAS_DISPLAY_NAME})
      << "nobody signed in on it";
  EXPECT_EQ(ids_of(store.devices("alice", "B")), (Ids{"C", "D"}));

  surroundings.now_ms += 3'600'000;
  EXPECT_EQ(store.devices("alice").at(0).flags, 0u) << "expired";
  EXPECT_EQ(store.devices("alice").at(3).flags, uint32_t{MXD_STORE_DEVICE_SIGNED_IN})
      << "it can be refreshed";
}

TEST_F(AccountDevicesTest, AreListedPageByPageToTheEnd) {
  database.add_devices(alice, 600);
  EXPECT_EQ(store.devices("alice").size(), 600u);
  mxd_store_device_query query{};
  query.size = sizeof query;
  query.name = view("alice");
  struct Seen {
    OpenStore& store;
    int visits = 0;
  } seen{store};
  // The visitor calls the store, and ends it with a status of its own.
  const auto visit = [](mxd_cookie cookie, const mxd_store_device*) noexcept -> int32_t {
    Seen& at = *reinterpret_cast<Seen*>(cookie);
    EXPECT_EQ(at.store.find_account("alice").status, MXD_OK);
    return ++at.visits < 300 ? MXD_OK : MXD_CANCELLED;
  };
  EXPECT_EQ(library().list_devices(store.get(), &query, visit, reinterpret_cast<mxd_cookie>(&seen),
                                   nullptr, 0),
            MXD_CANCELLED);
  EXPECT_EQ(seen.visits, 300);
  query.name = view("nobody");
  EXPECT_EQ(library().list_devices(store.get(), &query, visit, 0, nullptr, 0), MXD_NOT_FOUND);
}

TEST_F(AccountDevicesTest, AreDeletedAsTheirUserDoes) {  // D12
  const Tokens phone = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  store.login("alice", "TABLET");
  const Tokens kept = store.login("alice", "KEPT");
  database.add_for_devices("device_keys", "key_json", "'{}'");
  mxd_uia_session session = session_of("id", surroundings.now_ms + 1000);
  session.device_id = view("PHONE");
  store.create_session(session);

  const Affected missing = store.delete_devices("alice", {"PHONE", "NOT_THERE"});
  EXPECT_EQ(missing.status, MXD_NOT_FOUND);
  EXPECT_NE(missing.error.find("NOT_THERE"), std::string::npos) << missing.error;
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK) << "none was deleted";
  EXPECT_EQ(store.delete_devices("nobody", {"PHONE"}).status, MXD_NOT_FOUND);

  const Affected two = store.delete_devices("Alice", {"PHONE", "TABLET", "PHONE"});
  ASSERT_EQ(two.status, MXD_OK) << two.error;
  EXPECT_EQ(two.device_count, 2);
  EXPECT_EQ(two.user_id, alice);
  EXPECT_EQ(two.device_id, "") << "more than one";
  EXPECT_EQ(device_ids(store.list(alice)), Ids{"KEPT"});
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.refresh(phone.refresh_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(store.authenticate(kept.access_token).status, MXD_OK);
  EXPECT_EQ(rows("device_keys"), 1);
  EXPECT_EQ(rows("uia_sessions"), 0);
  EXPECT_EQ(rows("device_list_changes"), 1);

  const Affected none = store.delete_devices("alice", {});
  EXPECT_EQ(none.status, MXD_OK);
  EXPECT_EQ(none.device_count, 0);
  const Affected one = store.delete_devices("alice", {"KEPT"});
  EXPECT_EQ(one.device_id, "KEPT");
}

TEST_F(AccountDevicesTest, AllAreDeletedAtOnce) {
  const Tokens phone = store.login("alice", "PHONE");
  database.add_devices(alice, 5000);
  OpenStore other(url(), surroundings);
  const Affected all = store.delete_devices("alice", {"passed over"}, MXD_STORE_DEVICES_ALL);
  ASSERT_EQ(all.status, MXD_OK) << all.error;
  EXPECT_EQ(all.device_count, 5001);
  EXPECT_EQ(other.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_TRUE(other.devices("alice").empty());
  EXPECT_EQ(store.delete_devices("alice", {}, MXD_STORE_DEVICES_ALL).device_count, 0);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 0; }));
}

TEST_F(AccountDevicesTest, TokensEndAndTheDeviceStays) {  // T14
  const Tokens phone = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE, -1, "phone");
  const Tokens lasting = store.login("alice", "LASTING");
  const Tokens kept = store.login("alice", "KEPT");
  database.add_for_devices("device_keys", "key_json", "'{}'");
  store.mark_validated(alice, "PHONE", surroundings.now_ms);
  mxd_uia_session session = session_of("id", surroundings.now_ms + 1000);
  session.device_id = view("PHONE");
  store.create_session(session);
  store.put(alice, "NEVER", "nobody signed in on it");

  EXPECT_EQ(store.revoke_devices("alice", {"PHONE", "NOT_THERE"}).status, MXD_NOT_FOUND);
  EXPECT_EQ(store.revoke_devices("nobody", {"PHONE"}).status, MXD_NOT_FOUND);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK) << "nothing was changed";
  const Affected revoked = store.revoke_devices("alice", {"PHONE", "LASTING", "NEVER"});
  ASSERT_EQ(revoked.status, MXD_OK) << revoked.error;
  EXPECT_EQ(revoked.device_count, 2) << "those that had a token";

  // Their clients keep what they have, and log in again on the same device.
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.refresh(phone.refresh_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(lasting.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(kept.access_token).status, MXD_OK);
  EXPECT_EQ(device_ids(store.list(alice)), (Ids{"KEPT", "LASTING", "NEVER", "PHONE"}));
  EXPECT_EQ(store.get(alice, "PHONE").devices.at(0).display_name, "phone");
  EXPECT_EQ(rows("device_keys"), 3);
  EXPECT_EQ(rows("uia_sessions"), 0);
  EXPECT_EQ(rows("devices WHERE validated_ms IS NOT NULL"), 0);
  EXPECT_EQ(rows("token_pairs"), 0);

  const Tokens again = store.login("alice", "LASTING");
  EXPECT_EQ(store.authenticate(again.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(lasting.access_token).status, MXD_UNKNOWN_TOKEN)
      << "a login on the same device ID ended it";

  const Affected all = store.revoke_devices("alice", {}, MXD_STORE_DEVICES_ALL);
  EXPECT_EQ(all.device_count, 2);
  EXPECT_EQ(store.authenticate(kept.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.revoke_devices("alice", {}, MXD_STORE_DEVICES_ALL).device_count, 0);
}

TEST_F(AccountDevicesTest, ATokenIsRevokedWhoseverItIs) {  // T14
  store.add_user("bob");
  const Tokens phone = store.login("bob", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens tablet = store.login("bob", "TABLET");
  const Affected by_refresh = store.revoke_token(phone.refresh_token);
  ASSERT_EQ(by_refresh.status, MXD_OK) << by_refresh.error;
  EXPECT_EQ(by_refresh.user_id, "@bob:example.org");
  EXPECT_EQ(by_refresh.device_id, "PHONE");
  EXPECT_EQ(by_refresh.device_count, 1);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_TOKEN_EXPIRED);
  EXPECT_EQ(store.authenticate(tablet.access_token).status, MXD_OK);
  store.set_flags("bob", MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.revoke_token(tablet.access_token).status, MXD_OK) << "locked, too";
  store.set_flags("bob", 0, MXD_STORE_ACCOUNT_LOCKED);
  EXPECT_EQ(store.authenticate(tablet.access_token).status, MXD_TOKEN_EXPIRED);
  for (const std::string& token :
       {phone.access_token, phone.refresh_token, std::string("mxt_nobody"), std::string()}) {
    const Affected dead = store.revoke_token(token);
    EXPECT_EQ(dead.status, MXD_UNKNOWN_TOKEN);
    EXPECT_NE(dead.error, "");
    if (!token.empty()) {
      EXPECT_EQ(dead.error.find(token), std::string::npos);
    }
  }
}

// D12 in another process: what a server has open honours it from the commit on.
TEST_F(AccountDevicesTest, AnotherProcessHonoursItAtOnce) {
  OpenStore server(url(), surroundings);
  for (int i = 0; i < 20; ++i) {
    const Tokens tokens = server.login("alice", "PHONE");
    ASSERT_EQ(server.authenticate(tokens.access_token).status, MXD_OK);
    if (i % 2 == 0) {
      ASSERT_EQ(store.delete_devices("alice", {"PHONE"}).status, MXD_OK);
      EXPECT_EQ(server.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
    } else {
      ASSERT_EQ(store.revoke_token(tokens.access_token).status, MXD_OK);
      EXPECT_EQ(server.authenticate(tokens.access_token).status, MXD_TOKEN_EXPIRED);
    }
  }
}

}  // namespace
}  // namespace mxd::test
