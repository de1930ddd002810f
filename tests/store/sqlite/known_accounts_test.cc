// Where a user's account was is a hint, and no more.
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

// Places are few, and another process may have removed a user since and made one.
TEST_F(AliceTest, AnAccountThatIsAnothersIsNotTakenForTheUsers) {
  const std::string bob = store.add_user("bob");
  const Tokens laptop = store.login("alice", "LAPTOP");
  const Tokens phone = store.login("bob", "PHONE");
  ASSERT_EQ(store.authenticate(laptop.access_token).status, MXD_OK);
  ASSERT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
  // The rows of the two change places.
  execute(
      "PRAGMA foreign_keys = OFF;"
      "UPDATE accounts SET account = account - 1000;"
      "UPDATE accounts SET account = 3 - (account + 1000);"
      "UPDATE devices SET account = 3 - account");
  ASSERT_EQ(number("SELECT account FROM accounts WHERE user_id = '" + alice + "'"), 2);
  EXPECT_EQ(device_ids(store.list(alice)), std::vector<std::string>{"LAPTOP"});
  EXPECT_EQ(device_ids(store.list(bob)), std::vector<std::string>{"PHONE"});
  EXPECT_EQ(store.get(alice, "PHONE").status, MXD_NOT_FOUND);
  EXPECT_EQ(store.get(alice, "LAPTOP").status, MXD_OK);
}

}  // namespace
}  // namespace mxd::test
