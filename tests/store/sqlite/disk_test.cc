// Disks that are full, and files that can't be written or are moved: O3, O4, O5.
#include <SQLiteCpp/Database.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr uid_t kNobody = 65534;

// A file system of some megabytes, in memory.
class SmallDisk {
 public:
  SmallDisk(const std::string& at, const char* size) : at_(at) {
    std::filesystem::create_directory(at);
    const std::string options = std::string("size=") + size;
    is_mounted = ::mount("tmpfs", at.c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!is_mounted) why_not = std::strerror(errno);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted) ::umount2(at_.c_str(), MNT_DETACH);
  }

  // Leaves no byte.
  void fill() const {
    std::ofstream file(at_ + "/ballast", std::ios::binary | std::ios::app);
    const std::string page(4096, 'x');
    while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(at_ + "/ballast"); }

  bool is_mounted;
  std::string why_not;

 private:
  const std::string at_;
};

class DiskTest : public StoreTest {
 protected:
  static constexpr int kDevices = 10'000;

  // Alice, with 10,000 devices.
  static std::string fill_with_devices(OpenStore& store, const std::string& file) {
    const std::string alice = store.add_user("alice", "right");
    SQLite::Database database(file, SQLite::OPEN_READWRITE, 5000);
    database.exec(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
        " INSERT INTO devices (account, device_id, display_name)"
        " SELECT 1, printf('DEVICE%05d', i), 'A device' FROM n;"
        "INSERT INTO access_tokens (digest, device, oauth) SELECT randomblob(32), device, 0"
        " FROM devices");
    return alice;
  }

  static std::string device(int number) {
    const std::string digits = std::to_string(number);
    return "DEVICE" + std::string(5 - digits.size(), '0') + digits;
  }
};

// A command of root's on the server's database leaves the server all of its files.
TEST_F(DiskTest, WhatRootMakesBelongsToTheOwnerOfTheDatabase) {  // O3
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  { const OpenStore store(path(), surroundings); }
  ASSERT_EQ(::unlink((path() + "-reserve").c_str()), 0);
  ASSERT_EQ(::chown(path().c_str(), kNobody, kNobody), 0);
  OpenStore store(path(), surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  store.add_user("alice");
  for (const char* suffix : {"", "-wal", "-shm", "-reserve"}) {
    struct stat found;
    ASSERT_EQ(::stat((path() + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_uid, kNobody) << suffix;
    EXPECT_EQ(found.st_gid, kNobody) << suffix;
  }
}

TEST_F(DiskTest, DeletingGoesOnWhereTheDiskIsFull) {  // O4
  const SmallDisk disk(path("disk"), "64m");
  if (!disk.is_mounted) GTEST_SKIP() << "no file system can be mounted: " << disk.why_not;
  const std::string file = path("disk/store.db");
  OpenStore store(file, surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  const std::string alice = fill_with_devices(store, file);
  const Tokens phone = store.login("alice", "PHONE", MXD_STORE_LOGIN_REFRESHABLE);
  disk.fill();

  // Until there is no more room in what has been allocated.
  const std::string name(100, 'x');
  int created = 0;
  while (store.put(alice, "NEW" + std::to_string(created), name.c_str()).status == MXD_CREATED) {
    ASSERT_LT(++created, 100'000) << "the disk does not fill up";
  }
  EXPECT_EQ(store.list(alice).devices.size(), static_cast<size_t>(kDevices + 1 + created))
      << "reading goes on";
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK);

  for (int i = 0; i < kDevices / 2; ++i)
    ASSERT_EQ(store.remove(alice, {device(i)}).status, MXD_OK) << i;
  EXPECT_NE(surroundings.whole_log().find("the disk is full"), std::string::npos);
  EXPECT_EQ(store.rename(alice, "PHONE", "x").status, MXD_UNAVAILABLE)
      << "the reserve is for deletions";
  EXPECT_EQ(store.put(alice, "ONE_MORE", "x").status, MXD_UNAVAILABLE);
  EXPECT_EQ(store.login("alice", "ONE_MORE").status, MXD_UNAVAILABLE);

  // What goes with a deletion: its challenge, its stage.
  ASSERT_EQ(store.create_session(session_of("id", surroundings.now_ms + 3'600'000)).status, MXD_OK);
  mxd_uia_replacement replacement{};
  replacement.size = sizeof replacement;
  replacement.flags = MXD_UIA_FINISHED;
  replacement.revision = 1;
  replacement.expires_ms = surroundings.now_ms + 3'600'000;
  replacement.session_id = view("id");
  replacement.state = view("{}");
  EXPECT_EQ(store.replace_session(replacement).status, MXD_OK);
  std::vector<std::string> rest;
  for (int i = kDevices / 2; i < kDevices; ++i)
    rest.push_back(device(i));
  EXPECT_EQ(store.remove(alice, rest).status, MXD_OK);
  EXPECT_EQ(store.refresh(phone.refresh_token).status, MXD_OK)
      << "without it nobody could go on reading";
  EXPECT_EQ(store.logout(phone.access_token, true), MXD_OK);
  EXPECT_EQ(store.list(alice).devices.size(), 0u);

  disk.make_room();
  EXPECT_TRUE(eventually([&] { return store.put(alice, "A", "x").status == MXD_CREATED; }));
  EXPECT_GT(std::filesystem::file_size(file + "-reserve"), 0u) << "and it is kept again";
  EXPECT_NE(surroundings.whole_log().find("there is room on the disk again"), std::string::npos);
}

TEST_F(DiskTest, FullDiskAtTheStartIsReadAndDeletedFrom) {  // O3
  const SmallDisk disk(path("disk"), "64m");
  if (!disk.is_mounted) GTEST_SKIP() << "no file system can be mounted: " << disk.why_not;
  const std::string file = path("disk/store.db");
  std::string alice;
  std::string token;
  {
    OpenStore store(file, surroundings);
    alice = store.add_user("alice");
    token = store.login("alice", "A").access_token;
    store.put(alice, "B", "x");
  }
  disk.fill();
  OpenStore store(file, surroundings);
  ASSERT_EQ(store.status(), MXD_OK) << store.error();
  EXPECT_EQ(store.authenticate(token).status, MXD_OK);
  EXPECT_EQ(store.list(alice).devices.size(), 2u);
  EXPECT_EQ(store.remove(alice, {"B"}).status, MXD_OK);
}

TEST_F(DiskTest, WithoutReserveLeftTheAnswerIsUnavailable) {  // O4
  const SmallDisk disk(path("disk"), "64m");
  if (!disk.is_mounted) GTEST_SKIP() << "no file system can be mounted: " << disk.why_not;
  const std::string file = path("disk/store.db");
  OpenStore store(file, surroundings);
  const std::string alice = fill_with_devices(store, file);
  SQLite::Database reader(file, SQLite::OPEN_READONLY, 5000);
  reader.exec("BEGIN");  // so that the log grows, and is not used again
  reader.execAndGet("SELECT count(*) FROM devices");
  ASSERT_EQ(::truncate((file + "-reserve").c_str(), 0), 0);
  disk.fill();
  int32_t status = MXD_OK;
  int removed = 0;
  while (status == MXD_OK && removed < kDevices)
    status = store.remove(alice, {device(removed++)}).status;
  EXPECT_EQ(status, MXD_UNAVAILABLE);
  EXPECT_EQ(store.list(alice).devices.size(), static_cast<size_t>(kDevices - removed + 1))
      << "what was answered with OK, and no more";
}

// O5
class MovedTest : public AliceTest {
 protected:
  MovedTest() { EXPECT_EQ(store.put(alice, "A", "old").status, MXD_CREATED); }

  void expect_refused(const char* file) {
    EXPECT_EQ(store.rename(alice, "A", "lost").status, MXD_UNAVAILABLE);
    EXPECT_EQ(store.remove(alice, {"A"}).status, MXD_UNAVAILABLE);
    EXPECT_EQ(store.login("alice", "B").status, MXD_UNAVAILABLE);
    const std::string log = surroundings.whole_log();
    const auto line = log.find("was moved, replaced or removed");
    ASSERT_NE(line, std::string::npos) << log;
    EXPECT_NE(log.find(file), std::string::npos) << log;
    EXPECT_EQ(log.find("was moved", line + 1), std::string::npos) << "one line";
  }
};

TEST_F(MovedTest, MovedDatabaseIsNotWritten) {
  std::filesystem::rename(path(), path("elsewhere"));
  expect_refused("store.db");
  std::filesystem::rename(path("elsewhere"), path());
  EXPECT_EQ(store.rename(alice, "A", "new").status, MXD_OK) << "it is back";
}

TEST_F(MovedTest, ReplacedDatabaseIsNotWritten) {
  std::filesystem::copy_file(path(), path("copy"));
  std::filesystem::rename(path("copy"), path());
  expect_refused("store.db");
}

TEST_F(MovedTest, RemovedDatabaseIsNotWritten) {
  std::filesystem::remove(path());
  expect_refused("store.db");
}

TEST_F(MovedTest, WithoutItsLogNothingIsWrittenAndNothingThatWasAnsweredIsLost) {
  ASSERT_EQ(store.rename(alice, "A", "answered").status, MXD_OK);
  std::filesystem::remove(path() + "-wal");
  expect_refused("-wal");
  std::filesystem::copy_file(path(), path("after"));  // as after kill -9: what the file alone holds
  OpenStore after(path("after"), surroundings);
  EXPECT_EQ(after.get(alice, "A").devices.at(0).display_name, "answered");
}

TEST_F(MovedTest, WithoutItsIndexNothingIsWritten) {
  std::filesystem::remove(path() + "-shm");
  expect_refused("-shm");
}

// O3; as another user, since root may write anything.
class UnwritableTest : public StoreTest {
 protected:
  UnwritableTest() { OpenStore(path(), surroundings).close(); }

  // What opening says to nobody, in a process of its own.
  std::string error_for_nobody() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(1);
      const OpenStore store(path(), surroundings);
      const std::string said = std::to_string(store.status()) + " " + store.error();
      ::_exit(::write(ends[1], said.data(), said.size()) > 0 ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said(512, '\0');
    const ssize_t size = ::read(ends[0], said.data(), said.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    said.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return said;
  }

  static void give(const std::string& what, mode_t mode) {
    ASSERT_EQ(::chown(what.c_str(), kNobody, static_cast<gid_t>(-1)), 0);
    ASSERT_EQ(::chmod(what.c_str(), mode), 0);
  }

  std::string directory() const { return std::filesystem::path(path()).parent_path().string(); }
};

TEST_F(UnwritableTest, FileOfAnotherUserIsNamedWithItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  give(directory(), 0700);
  std::string said = error_for_nobody();
  EXPECT_EQ(said.substr(0, said.find(' ')), std::to_string(MXD_INVALID_ARGUMENT)) << said;
  EXPECT_NE(said.find("store.db belongs to root (mode 0600)"), std::string::npos) << said;
  EXPECT_NE(said.find("chown it to nobody"), std::string::npos) << said;

  give(path(), 0400);
  said = error_for_nobody();
  EXPECT_NE(said.find("store.db belongs to nobody (mode 0400)"), std::string::npos) << said;

  give(path(), 0600);
  std::ofstream(path() + "-wal").close();  // as a command that ran as root leaves it
  ASSERT_EQ(::chmod((path() + "-wal").c_str(), 0600), 0);
  said = error_for_nobody();
  EXPECT_NE(said.find("store.db-wal belongs to root"), std::string::npos) << said;

  give(path() + "-wal", 0600);
  give(path() + "-reserve", 0600);
  give(directory(), 0500);
  said = error_for_nobody();
  EXPECT_NE(said.find("belongs to nobody (mode 0500)"), std::string::npos) << said;

  give(directory(), 0700);
  EXPECT_EQ(error_for_nobody(), std::to_string(MXD_OK) + " ") << "mended";
}

TEST_F(UnwritableTest, ReadOnlyFileSystemIsNamed) {
  const SmallDisk disk(path("disk"), "64m");
  if (!disk.is_mounted) GTEST_SKIP() << "no file system can be mounted: " << disk.why_not;
  OpenStore(path("disk/store.db"), surroundings).close();
  ASSERT_EQ(::mount(nullptr, path("disk").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const OpenStore store(path("disk/store.db"), surroundings);
  EXPECT_EQ(store.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(store.error().find("read-only"), std::string::npos) << store.error();
}

}  // namespace
}  // namespace mxd::test
