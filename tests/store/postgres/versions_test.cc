// Programs of several versions on one database: what is newer only adds, and says from when on an
// older one may not go on.
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class VersionsTest : public AliceTest {
 protected:
  // What a migration of a later version does: columns, tables and functions that this one does not
  // know, and the oldest program that may go on.
  void migrate(const std::string& oldest_program) {
    execute(
        "ALTER TABLE devices ADD COLUMN dehydrated boolean NOT NULL DEFAULT false;"
        "ALTER TABLE accounts ADD COLUMN consent_version text;"
        "CREATE TABLE cross_signing_keys (account bigint, usage text, key_json text,"
        " PRIMARY KEY (account, usage));"
        "CREATE INDEX devices_dehydrated ON devices (account) WHERE dehydrated;"
        "UPDATE store SET version = 999, oldest_program = " +
        oldest_program);
  }

  void expect_all_works(OpenStore& through, std::string_view device_id) {
    const Tokens tokens = through.login("alice", device_id, MXD_STORE_LOGIN_REFRESHABLE);
    ASSERT_EQ(tokens.status, MXD_OK) << tokens.error;
    EXPECT_EQ(through.authenticate(tokens.access_token).status, MXD_OK);
    EXPECT_EQ(through.rename(alice, device_id, "name").status, MXD_OK);
    EXPECT_EQ(through.put(alice, std::string(device_id) + "2", "new").status, MXD_CREATED);
    EXPECT_EQ(through.refresh(tokens.refresh_token).status, MXD_OK);
    EXPECT_EQ(through.list(alice).status, MXD_OK);
    EXPECT_EQ(through.remove(alice, {std::string(device_id)}).status, MXD_OK);
  }
};

TEST_F(VersionsTest, AnOlderProgramGoesOnBesideANewerOne) {
  migrate("1");
  expect_all_works(store, "OPEN_BEFORE");
  OpenStore later(url(), surroundings);
  ASSERT_EQ(later.status(), MXD_OK) << later.error();
  expect_all_works(later, "OPENED_AFTER");
  EXPECT_EQ(rows("store WHERE version = 999"), 1) << "it is not taken back";
  EXPECT_EQ(rows("devices WHERE NOT dehydrated"), 2);
}

TEST_F(VersionsTest, AProgramThatIsTooOldIsRefused) {
  migrate("998");
  const OpenStore later(url(), surroundings);
  EXPECT_EQ(later.status(), MXD_INVALID_ARGUMENT);
  EXPECT_NE(later.error().find("newer version (schema 999"), std::string::npos) << later.error();
  EXPECT_NE(later.error().find("998 or later"), std::string::npos) << later.error();
  EXPECT_NE(later.error().find("update this program"), std::string::npos) << later.error();
}

}  // namespace
}  // namespace mxd::test
