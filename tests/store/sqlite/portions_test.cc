// Devices that are gone are removed in portions, between which other writes come.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class PortionsTest : public AliceTest {
 protected:
  static constexpr int kDevices = 100'000;
  static constexpr size_t kPortions = 3;

  // With a token, of which the last is known, and what hangs off a device.
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

// From the first transaction on nothing of them is seen, also not by another process; they go in
// portions, and other writes get in between.
TEST_F(PortionsTest, LogoutOfAHundredThousandDevicesIsNobodysWait) {
  using Clock = std::chrono::steady_clock;
  const auto ms_since = [](Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  };
  add_devices(kDevices);
  store.add_user("bob");
  OpenStore other(url(), surroundings);
  const auto start = Clock::now();
  ASSERT_EQ(store.logout(known.access_token, true), MXD_OK);
  const auto logout_ms = ms_since(start);
  ASSERT_GT(rows("devices"), kDevices / 2) << "the rest follows";
  expect_gone(store);
  expect_gone(other);
  EXPECT_EQ(store.put(alice, "DEVICE99999", "one of the old IDs, new").status, MXD_CREATED);
  EXPECT_EQ(store.get(alice, "DEVICE99999").devices.at(0).display_name, "one of the old IDs, new");
  EXPECT_EQ(rows("device_list_changes"), 1);

  // Writes that never stop get in between, and the portions come about beside them.
  std::vector<int64_t> waits_ms;
  std::vector<int64_t> left{rows("devices")};
  int64_t largest_portion = 0;
  const auto first = Clock::now();
  while (ms_since(first) < 3000 || (left.size() < kPortions && ms_since(first) < 60'000)) {
    const auto before = Clock::now();
    const std::string name = std::to_string(waits_ms.size());
    ASSERT_GE(store.put("@bob:example.org", "B", name.c_str()).status, 0);
    waits_ms.push_back(ms_since(before));
    if (const int64_t now = rows("devices"); now < left.back()) {
      largest_portion = std::max(largest_portion, left.back() - now);
      left.push_back(now);
    }
  }
  while (rows("devices") > 2 && ms_since(start) < 300'000)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::sort(waits_ms.begin(), waits_ms.end());
  std::cout << "logout of 100,000 devices: answered after " << logout_ms << " ms; beside "
            << waits_ms.size() << " writes (median " << waits_ms[waits_ms.size() / 2]
            << " ms, longest " << waits_ms.back() << " ms) " << left.size() - 1
            << " portions of up to " << largest_portion << " devices; all removed after "
            << ms_since(start) << " ms\n";
  EXPECT_EQ(device_ids(store.list(alice)), std::vector<std::string>{"DEVICE99999"});
  for (const char* table : {"access_tokens", "refresh_tokens", "token_pairs", "one_time_keys"})
    EXPECT_EQ(rows(table), 0) << table;
  EXPECT_TRUE(eventually([&] { return rows("accounts WHERE gone_through > 0") == 0; }));
  // Counted, since time is not to be relied on where others use the machine.
  EXPECT_GE(left.size(), kPortions) << "portions came about";
  EXPECT_LT(largest_portion, kDevices / 2);
}

// A process that ends in between: the next one sees none of them either, and removes the rest.
TEST_F(PortionsTest, RemovalIsFinishedAfterARestart) {
  add_devices(kDevices / 5);
  ASSERT_EQ(store.set_flags("alice", MXD_STORE_ACCOUNT_DEACTIVATED), MXD_OK);
  store.close();
  ASSERT_GT(rows("devices"), 0) << "it was closed too late to see anything";
  OpenStore again(url(), surroundings);
  expect_gone(again);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 0; }));
  EXPECT_TRUE(eventually([&] { return rows("accounts WHERE gone_through > 0") == 0; }));
}

TEST_F(PortionsTest, MessagesAreRemovedInPortionsToo) {
  const std::string token = store.login("alice", "A").access_token;
  database.add_for_devices("to_device_inbox", "message_json", "'{\"type\":\"m.dummy\"}'", 300'000);
  ASSERT_EQ(store.logout(token, true), MXD_OK);
  EXPECT_GT(rows("to_device_inbox"), 0) << "the rest follows";
  EXPECT_EQ(store.list(alice).devices.size(), 0u);
  EXPECT_TRUE(eventually([&] { return rows("devices") == 0; }));
  EXPECT_EQ(rows("to_device_inbox"), 0);
}

}  // namespace
}  // namespace mxd::test
