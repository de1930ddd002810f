// Two stores of one database, as two processes have it: what one has answered holds for the other,
// whatever that remembers.
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr int kUntilRemembered = 3;

class OtherWriterTest : public AliceTest {
 protected:
  OtherWriterTest() : other(url(), surroundings) {
    phone = store.login("alice", "PHONE", 0, -1, "old");
    tablet = store.login("alice", "TABLET");
  }

  // The store has all of it in its memory then.
  void ask_until_remembered() {
    for (int i = 0; i < kUntilRemembered; ++i) {
      EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_OK);
      EXPECT_EQ(store.list(alice).devices.size(), 2u);
    }
  }

  OpenStore other;
  Tokens phone, tablet;
};

TEST_F(OtherWriterTest, IsOverWhenATokenIsDeleted) {
  ask_until_remembered();
  ASSERT_EQ(other.logout(phone.access_token), MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
  EXPECT_EQ(device_ids(store.list(alice)), std::vector<std::string>{"TABLET"});
}

TEST_F(OtherWriterTest, IsOverWhenADeviceIsRenamed) {
  ask_until_remembered();
  ASSERT_EQ(other.rename(alice, "PHONE", "new").status, MXD_OK);
  const Answer listed = store.list(alice);
  ASSERT_EQ(listed.devices.size(), 2u);
  EXPECT_EQ(listed.devices[0].display_name, "new");
}

TEST_F(OtherWriterTest, IsOverWhenAnAccountIsLocked) {
  ask_until_remembered();
  ASSERT_EQ(other.set_flags("alice", MXD_STORE_ACCOUNT_LOCKED), MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_USER_LOCKED);
}

TEST_F(OtherWriterTest, IsOverByItsOwnWrites) {
  ask_until_remembered();
  ASSERT_EQ(store.logout(phone.access_token), MXD_OK);
  EXPECT_EQ(store.authenticate(phone.access_token).status, MXD_UNKNOWN_TOKEN);
}

TEST_F(OtherWriterTest, DoesNotOutliveAToken) {
  const Tokens brief = store.login("alice", "BRIEF", 0, 60'000);
  for (int i = 0; i < kUntilRemembered; ++i)
    EXPECT_EQ(store.authenticate(brief.access_token).status, MXD_OK);
  surroundings.now_ms += 60'000;
  EXPECT_EQ(store.authenticate(brief.access_token).status, MXD_TOKEN_EXPIRED);
}

}  // namespace
}  // namespace mxd::test
