// What a store remembers of what it read, while others write.
#include "bindings/store/sqlite/remembered.h"

#include <SQLiteCpp/Database.h>

#include "bindings/store/sqlite/carried.h"
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using store::sqlite::Carried;
using store::sqlite::Remembered;
using store::sqlite::WalIndex;

WalIndex::Mark mark(uint64_t number) {
  WalIndex::Mark made;
  made.head[0] = number;
  return made;
}

constexpr uint64_t kUser = 5;

bool stands() {
  return true;
}

TEST(Remembered, IsWorthKeepingWhenAskedForAgain) {
  Remembered<int> remembered(16);
  EXPECT_FALSE(remembered.find("a", 7, mark(1)).is_asked_again);
  EXPECT_TRUE(remembered.find("a", 7, mark(1)).is_asked_again);
  EXPECT_FALSE(remembered.find("a", 7, mark(2)).is_asked_again);
}

TEST(Remembered, HoldsWhileTheMarkStands) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), stands);
  ASSERT_NE(remembered.find("a", 7, mark(1)).value, nullptr);
  EXPECT_EQ(*remembered.find("a", 7, mark(1)).value, 42);
  EXPECT_EQ(remembered.find("a", 7, mark(2)).value, nullptr);
  EXPECT_EQ(remembered.find("a", 7, mark(1)).value, nullptr) << "it came back";
}

TEST(Remembered, TellsKeysOfOnePlaceApart) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), stands);
  EXPECT_EQ(remembered.find("b", 7, mark(1)).value, nullptr);
}

TEST(Remembered, KeepsAsManyAsItHasPlacesFor) {
  for (const size_t places : {16, 32}) {
    Remembered<int> remembered(places);
    remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), stands);
    remembered.keep("b", 7 + 16, mark(1), kUser, std::make_shared<int>(43), stands);
    EXPECT_NE(remembered.find("b", 7 + 16, mark(1)).value, nullptr);
    EXPECT_EQ(remembered.find("a", 7, mark(1)).value != nullptr, places == 32);
  }
}

TEST(Remembered, ForgetsOneUserAndHoldsOthers) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), stands);
  remembered.keep("b", 8, mark(1), kUser + 1, std::make_shared<int>(43), stands);
  remembered.forget(kUser);
  const Remembered<int>::Found found = remembered.find("a", 7, mark(1));
  EXPECT_EQ(found.value, nullptr);
  EXPECT_TRUE(found.is_asked_again) << "it is worth keeping again";
  EXPECT_NE(remembered.find("b", 8, mark(1)).value, nullptr);
}

TEST(Remembered, DoesNotKeepWhatHasChangedSinceItWasRead) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), [] { return false; });
  EXPECT_EQ(remembered.find("a", 7, mark(1)).value, nullptr);
  // Right after it was asked whether it stands.
  remembered.keep("a", 7, mark(1), kUser, std::make_shared<int>(42), [&] {
    remembered.forget(kUser);
    return true;
  });
  EXPECT_EQ(remembered.find("a", 7, mark(1)).value, nullptr);
}

TEST(Carried, LeadsBackToTheFirst) {
  Carried carried;
  EXPECT_EQ(carried.since(mark(1)), mark(1));
  carried.carry(mark(1), mark(2));
  EXPECT_EQ(carried.since(mark(2)), mark(1));
  carried.carry(mark(2), mark(3));
  EXPECT_EQ(carried.since(mark(3)), mark(1));
  EXPECT_EQ(carried.since(mark(4)), mark(4)) << "another process's";
}

TEST(Carried, BeginsAnewAfterAnothersCommit) {
  Carried carried;
  carried.carry(mark(1), mark(2));
  carried.carry(mark(5), mark(6));
  EXPECT_EQ(carried.since(mark(6)), mark(5));
  EXPECT_EQ(carried.since(mark(2)), mark(2));
}

// After a checkpoint the log begins anew.
TEST_F(AliceTest, RemembersNothingOfALogThatBeganAnew) {
  OpenStore other(url(), surroundings);
  const Tokens phone = store.login("alice", "PHONE");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
  SQLite::Database(path(), SQLite::OPEN_READWRITE, 5000).exec("PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_EQ(other.logout(phone.access_token), MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
}

}  // namespace
}  // namespace mxd::test
