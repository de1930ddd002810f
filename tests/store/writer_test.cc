// The writer: commits that are shared, and commits that fail.
#include <SQLiteCpp/Transaction.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <deque>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class WriterTest : public AliceTest {
 protected:
  // A rename that is under way, with its arguments.
  struct Rename {
    std::string device_id;
    std::string name;
    mxd_device_update update{};
    mxd_op op = 0;
  };

  const Rename& start_rename(std::string_view device_id, std::string_view name) {
    Rename& rename = renames.emplace_back();
    rename.device_id = device_id;
    rename.name = name;
    rename.update.size = sizeof rename.update;
    rename.update.flags = MXD_UPDATE_SET_DISPLAY_NAME;
    rename.update.user_id = view(alice);
    rename.update.device_id = view(rename.device_id);
    rename.update.display_name = view(rename.name);
    rename.op = new_operation();
    EXPECT_EQ(store.host().rename_device(store.host().cookie, 0, rename.op, 0, &rename.update),
              MXD_OK);
    return rename;
  }

  // Commits in the write-ahead log: frames that carry the size of the database.
  int commits() {
    std::ifstream wal(path() + "-wal", std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(wal), {});
    const auto number = [&](size_t at) {
      uint32_t value = 0;
      for (size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
      return value;
    };
    constexpr size_t kHeader = 32;
    constexpr size_t kFrameHeader = 24;
    int found = 0;
    for (size_t at = kHeader; at + kFrameHeader <= bytes.size(); at += kFrameHeader + number(8)) {
      const bool is_current = number(at + 8) == number(16) && number(at + 12) == number(20);
      if (is_current && number(at + 4) != 0) ++found;
    }
    return found;
  }

  std::deque<Rename> renames;
};

TEST_F(WriterTest, ManyWritesShareACommit) {
  constexpr int kWrites = 200;
  for (int i = 0; i < kWrites; ++i)
    store.put(alice, "D" + std::to_string(i), "old");
  execute("PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_EQ(commits(), 0);
  SQLite::Database other(path(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  for (int i = 0; i < kWrites; ++i)
    start_rename("D" + std::to_string(i), "new");
  for (const Rename& rename : renames) {
    EXPECT_FALSE(is_complete(rename.op)) << "nothing is answered before it is on disk";
  }
  other.exec("ROLLBACK");
  for (const Rename& rename : renames)
    EXPECT_EQ(wait_for(rename.op).status, MXD_OK);
  EXPECT_GE(commits(), 1);
  EXPECT_LE(commits(), 2) << "the first may have gone alone";
  EXPECT_EQ(number("SELECT count(*) FROM devices WHERE display_name = 'new'"), kWrites);
}

TEST_F(WriterTest, OneFailingWriteDoesNotTakeTheOthersAlong) {
  store.put(alice, "A", "old");
  store.put(alice, "B", "old");
  execute(
      "CREATE TRIGGER refuse BEFORE UPDATE ON devices WHEN NEW.display_name = 'refused'"
      " BEGIN SELECT raise(ABORT, 'refused by a trigger'); END");
  SQLite::Database other(path(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const mxd_op first = start_rename("A", "new").op;
  const mxd_op refused = start_rename("B", "refused").op;
  const mxd_op last = start_rename("B", "new").op;
  other.exec("ROLLBACK");
  EXPECT_EQ(wait_for(first).status, MXD_OK);
  EXPECT_EQ(wait_for(refused).status, MXD_INTERNAL);
  EXPECT_EQ(wait_for(last).status, MXD_OK);
  EXPECT_EQ(store.get(alice, "B").devices.at(0).display_name, "new");
  EXPECT_NE(surroundings.whole_log().find("refused by a trigger"), std::string::npos);
}

// A failure in the middle of a deletion: its tokens are not gone without their devices.
TEST_F(WriterTest, DeletionIsAllOrNothing) {
  const Tokens a = store.login("alice", "A");
  const Tokens b = store.login("alice", "B");
  execute(
      "CREATE TRIGGER refuse BEFORE DELETE ON devices WHEN OLD.device_id = 'B'"
      " BEGIN SELECT raise(ABORT, 'refused by a trigger'); END");
  EXPECT_EQ(store.remove(alice, {"A", "B"}).status, MXD_INTERNAL);
  EXPECT_EQ(store.authenticate(a.access_token).status, MXD_OK);
  EXPECT_EQ(store.authenticate(b.access_token).status, MXD_OK);
  EXPECT_EQ(store.list(alice).devices.size(), 2u);
  EXPECT_EQ(number("SELECT count(*) FROM device_list_changes"), 0);
  execute("DROP TRIGGER refuse");
  EXPECT_EQ(store.remove(alice, {"A"}).status, MXD_OK);
  EXPECT_EQ(device_ids(store.list(alice)), std::vector<std::string>{"B"})
      << "the failed list is forgotten";
}

TEST_F(WriterTest, LockedByAnotherProcessIsUnavailable) {
  store.put(alice, "A", "old");
  SQLite::Database other(path(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  const mxd_op op = start_rename("A", "new").op;
  EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, "old") << "reads go on";
  EXPECT_EQ(wait_for(op).status, MXD_UNAVAILABLE);
  other.exec("ROLLBACK");
  EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, "old");
  EXPECT_EQ(store.rename(alice, "A", "new").status, MXD_OK);
}

// No byte can be written to any file while this lives, as on a full disk.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

TEST_F(WriterTest, CommitThatFailsIsUnavailableAndLeavesNothingHalfDone) {
  const Tokens tokens = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE, -1, "old");
  const std::string refresh_token = tokens.refresh_token;
  Answer removed, renamed, put;
  Tokens login, refreshed;
  std::string user_error;
  {
    const FullDisk full;
    removed = store.remove(alice, {"A"});
    renamed = store.rename(alice, "A", "new");
    put = store.put(alice, "B", "new");
    login = store.login("alice", "C");
    refreshed = store.refresh(refresh_token);
  }
  EXPECT_EQ(removed.status, MXD_UNAVAILABLE);
  EXPECT_EQ(renamed.status, MXD_UNAVAILABLE);
  EXPECT_EQ(put.status, MXD_UNAVAILABLE);
  EXPECT_EQ(login.status, MXD_UNAVAILABLE);
  EXPECT_NE(login.error, "");
  EXPECT_EQ(refreshed.status, MXD_UNAVAILABLE);
  EXPECT_EQ(device_ids(store.list(alice)), std::vector<std::string>{"A"});
  EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, "old");
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_OK);

  EXPECT_EQ(store.remove(alice, {"A"}).status, MXD_OK) << "the next one works";
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(WriterTest, RefreshedTokenWorksOnAFullDisk) {
  const Tokens first = store.login("alice", "A", MXD_STORE_LOGIN_REFRESHABLE);
  const Tokens second = store.refresh(first.refresh_token);
  Answer answer;
  {
    const FullDisk full;
    answer = store.authenticate(second.access_token);
  }
  EXPECT_EQ(answer.status, MXD_OK);
  EXPECT_EQ(store.authenticate(second.access_token).status, MXD_OK) << "and tries again";
  EXPECT_EQ(store.authenticate(first.access_token).status, MXD_TOKEN_EXPIRED);
}

TEST_F(WriterTest, CloseFinishesWhatIsQueued) {
  for (int i = 0; i < 50; ++i)
    store.put(alice, "D" + std::to_string(i), "old");
  for (int i = 0; i < 50; ++i)
    start_rename("D" + std::to_string(i), "new");
  store.close();
  for (const Rename& rename : renames) {
    ASSERT_TRUE(is_complete(rename.op));
    EXPECT_EQ(wait_for(rename.op).status, MXD_OK);
  }
  EXPECT_EQ(number("SELECT count(*) FROM devices WHERE display_name = 'new'"), 50);
}

TEST_F(WriterTest, TwoStoresShareOneFile) {
  OpenStore other(path(), surroundings);
  ASSERT_EQ(other.status(), MXD_OK) << other.error();
  const Tokens tokens = store.login("alice", "A");
  EXPECT_EQ(other.authenticate(tokens.access_token).status, MXD_OK);
  EXPECT_EQ(other.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED), MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_USER_LOCKED) << "nothing is stale";
  EXPECT_EQ(other.set_flags("alice", 0, MXD_STORE_ACCOUNT_LOCKED), MXD_OK);

  constexpr int kEach = 50;
  std::atomic<int> created{0};
  const auto create = [&](OpenStore& through, const std::string& prefix) {
    for (int i = 0; i < kEach; ++i) {
      if (through.put(alice, prefix + std::to_string(i), nullptr).status == MXD_CREATED) ++created;
    }
  };
  std::thread one([&] { create(store, "one"); });
  std::thread two([&] { create(other, "two"); });
  one.join();
  two.join();
  EXPECT_EQ(created, 2 * kEach);
  EXPECT_EQ(store.list(alice).devices.size(), 2u * kEach + 1);
  EXPECT_EQ(other.remove(alice, {"A"}).status, MXD_OK);
  EXPECT_EQ(store.authenticate(tokens.access_token).status, MXD_UNKNOWN_TOKEN);
}

}  // namespace
}  // namespace mxd::test
