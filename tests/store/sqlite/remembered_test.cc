// What a store remembers of what it read, while others write.
#include "bindings/store/sqlite/remembered.h"

#include <SQLiteCpp/Database.h>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

using store::sqlite::Remembered;
using store::sqlite::WalIndex;

WalIndex::Mark mark(uint64_t number) {
  WalIndex::Mark made;
  made.head[0] = number;
  return made;
}

TEST(Remembered, IsWorthKeepingWhenAskedForAgain) {
  Remembered<int> remembered(16);
  EXPECT_FALSE(remembered.find("a", 7, mark(1)).is_asked_again);
  EXPECT_TRUE(remembered.find("a", 7, mark(1)).is_asked_again);
  EXPECT_FALSE(remembered.find("a", 7, mark(2)).is_asked_again);
}

TEST(Remembered, HoldsWhileTheMarkStands) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), std::make_shared<int>(42));
  ASSERT_NE(remembered.find("a", 7, mark(1)).value, nullptr);
  EXPECT_EQ(*remembered.find("a", 7, mark(1)).value, 42);
  EXPECT_EQ(remembered.find("a", 7, mark(2)).value, nullptr);
  EXPECT_EQ(remembered.find("a", 7, mark(1)).value, nullptr) << "it came back";
}

TEST(Remembered, TellsKeysOfOnePlaceApart) {
  Remembered<int> remembered(16);
  remembered.keep("a", 7, mark(1), std::make_shared<int>(42));
  EXPECT_EQ(remembered.find("b", 7, mark(1)).value, nullptr);
}

TEST(Remembered, KeepsAsManyAsItHasPlacesFor) {
  for (const size_t places : {16, 32}) {
    Remembered<int> remembered(places);
    remembered.keep("a", 7, mark(1), std::make_shared<int>(42));
    remembered.keep("b", 7 + 16, mark(1), std::make_shared<int>(43));
    EXPECT_NE(remembered.find("b", 7 + 16, mark(1)).value, nullptr);
    EXPECT_EQ(remembered.find("a", 7, mark(1)).value != nullptr, places == 32);
  }
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
