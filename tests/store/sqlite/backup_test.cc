// Copies of a file that is written to.
#include <SQLiteCpp/Database.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class BackupTest : public AliceTest {
 protected:
  using Progress = int32_t (*)(mxd_cookie, uint64_t, uint64_t) noexcept;

  Result backup(const std::string& target, uint32_t flags = 0, Progress progress = nullptr,
                mxd_cookie cookie = 0) {
    mxd_store_backup given{};
    given.size = sizeof given;
    given.flags = flags;
    given.target = view(target);
    given.progress = progress;
    given.cookie = cookie;
    char error[256] = "not written";
    const int32_t status = library().backup(store.get(), &given, error, sizeof error);
    return {status, {}, error};
  }

  size_t files() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path("")))
      ++count;
    return count;
  }

  static std::string content_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

TEST_F(BackupTest, IsTheDatabaseForItsOwnerOnly) {
  const Tokens phone = store.login("alice", "PHONE");
  const mode_t before = ::umask(0);
  const Result made = backup(path("backup.db"));
  ::umask(before);
  ASSERT_EQ(made.status, MXD_OK) << made.error;
  EXPECT_EQ(made.error, "");
  struct stat found;
  ASSERT_EQ(::stat(path("backup.db").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  store.delete_devices("alice", {"PHONE"});
  OpenStore restored(path("backup.db"), surroundings, "");
  ASSERT_EQ(restored.status(), MXD_OK) << restored.error();
  EXPECT_EQ(restored.authenticate(phone.access_token).status, MXD_OK);
}

// Each commit moves one device: in a copy of one moment there is always one of them.
TEST_F(BackupTest, IsOfOneMomentWhileAnotherProcessWrites) {
  store.put(alice, "A", "0");
  store.put(alice, "B", "0");
  execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
      " INSERT INTO to_device_inbox (device, message_json) SELECT 1, hex(randomblob(100)) FROM n");
  std::atomic<bool> is_over{false};
  std::atomic<int> writes{0};
  std::thread writer([&] {
    SQLite::Database other(path(), SQLite::OPEN_READWRITE, 5000);
    while (!is_over) {
      other.exec("UPDATE devices SET display_name = display_name + 1");
      ++writes;
    }
  });
  while (writes == 0)
    std::this_thread::yield();
  struct Seen {
    std::atomic<int>& writes;
    int steps = 0, first = 0, last = 0;
  } seen{writes};
  const auto progress = [](mxd_cookie cookie, uint64_t done, uint64_t total) noexcept -> int32_t {
    Seen& at = *reinterpret_cast<Seen*>(cookie);
    EXPECT_LE(done, total);
    if (at.steps++ == 0) at.first = at.writes;
    while (at.writes < at.first + at.steps)
      std::this_thread::yield();  // somebody has written between two steps
    at.last = at.writes;
    return MXD_OK;
  };
  const Result made = backup(path("backup.db"), 0, progress, reinterpret_cast<mxd_cookie>(&seen));
  is_over = true;
  writer.join();
  ASSERT_EQ(made.status, MXD_OK) << made.error;
  EXPECT_GT(seen.steps, 1);
  EXPECT_GT(seen.last, seen.first) << "nobody wrote meanwhile";
  SQLite::Database copy(path("backup.db"), SQLite::OPEN_READWRITE);
  EXPECT_EQ(copy.execAndGet("PRAGMA integrity_check").getString(), "ok");
  EXPECT_EQ(copy.execAndGet("SELECT count(DISTINCT display_name) FROM devices").getInt(), 1);
  EXPECT_EQ(copy.execAndGet("SELECT count(*) FROM to_device_inbox").getInt(), 100000);
}

TEST_F(BackupTest, ReplacesAFileOnlyWhereThatIsWanted) {
  const std::string target = path("backup.db");
  std::ofstream(target) << "precious";
  const Result refused = backup(target);
  EXPECT_EQ(refused.status, MXD_BUSY);
  EXPECT_NE(refused.error, "");
  EXPECT_EQ(content_of(target), "precious");
  const size_t before = files();
  EXPECT_EQ(backup(target, MXD_STORE_BACKUP_REPLACE).status, MXD_OK);
  EXPECT_EQ(content_of(target).substr(0, 15), "SQLite format 3");
  EXPECT_EQ(files(), before) << "nothing is left beside it";
}

TEST_F(BackupTest, NeverTakesThePlaceOfTheDatabaseNorOfWhatIsNoFile) {
  const std::string before = content_of(path());
  std::filesystem::create_hard_link(path(), path("link.db"));
  std::filesystem::create_directory(path("directory"));
  std::filesystem::create_symlink(path("elsewhere.db"), path("symlink.db"));
  for (const std::string& target :
       {path(), path() + "-wal", path() + "-reserve", path("link.db"), path("directory"),
        path("directory") + "/../store.db", path("symlink.db"), path("none/backup.db"),
        std::string(), path("backup.db") + std::string("\0x", 2)}) {
    const Result refused = backup(target, MXD_STORE_BACKUP_REPLACE);
    EXPECT_EQ(refused.status, MXD_INVALID_ARGUMENT) << target;
    EXPECT_NE(refused.error, "") << target;
  }
  EXPECT_EQ(store.login("alice", "PHONE").status, MXD_OK) << "the database is as it was";
  store.close();
  std::filesystem::create_symlink(path(), path("named.db"));
  OpenStore named(path("named.db"), surroundings);
  const std::string log = path() + "-wal";
  mxd_store_backup given{};
  given.size = sizeof given;
  given.flags = MXD_STORE_BACKUP_REPLACE;
  given.target = view(log);
  EXPECT_EQ(library().backup(named.get(), &given, nullptr, 0), MXD_INVALID_ARGUMENT)
      << "of a database that is named by a symbolic link";
  EXPECT_FALSE(std::filesystem::exists(path("elsewhere.db")));
}

TEST_F(BackupTest, EndsWithTheStatusOfWhoWatchesIt) {
  const size_t before = files();
  const auto stop = [](mxd_cookie, uint64_t, uint64_t) noexcept -> int32_t {
    return MXD_CANCELLED;
  };
  EXPECT_EQ(backup(path("backup.db"), 0, stop).status, MXD_CANCELLED);
  EXPECT_EQ(files(), before) << "nothing is left of it";
}

TEST_F(BackupTest, NothingIsLeftOnAFullDisk) {
  const std::string disk = path("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "no file system can be mounted: " << std::strerror(errno);
  }
  const Result full = backup(disk + "/backup.db");
  EXPECT_EQ(full.status, MXD_UNAVAILABLE);
  EXPECT_NE(full.error.find("full"), std::string::npos) << full.error;
  EXPECT_TRUE(std::filesystem::is_empty(disk));
  ::umount2(disk.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace mxd::test
