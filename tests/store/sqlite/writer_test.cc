// The writer: commits that are shared, and commits that fail.
#include <SQLiteCpp/Database.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tests/store/writing_test.h"

namespace mxd::test {
namespace {

class WriterTest : public WritingTest {
 protected:
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
};

TEST_F(WriterTest, ManyWritesShareACommit) {
  constexpr int kWrites = 200;
  for (int i = 0; i < kWrites; ++i)
    store.put(alice, "D" + std::to_string(i), "old");
  execute("PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_EQ(commits(), 0);
  SQLite::Database other(path(), SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  start_rename("D0", "new");
  ASSERT_TRUE(eventually([&] { return store.queued_writes() == 0; })) << "it waits for the lock";
  for (int i = 1; i < kWrites; ++i)
    start_rename("D" + std::to_string(i), "new");
  for (const Rename& rename : renames) {
    EXPECT_FALSE(is_complete(rename.op)) << "nothing is answered before it is on disk";
  }
  other.exec("ROLLBACK");
  for (const Rename& rename : renames)
    EXPECT_EQ(wait_for(rename.op).status, MXD_OK);
  EXPECT_EQ(commits(), 1) << "those that came while the first waited went along";
  EXPECT_EQ(number("SELECT count(*) FROM devices WHERE display_name = 'new'"), kWrites);
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

}  // namespace
}  // namespace mxd::test
