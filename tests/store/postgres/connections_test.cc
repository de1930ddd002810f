// Connections that are lost, and commits that are shared.
#include <chrono>

#include "tests/store/postgres/cluster.h"
#include "tests/store/writing_test.h"

namespace mxd::test {
namespace {

constexpr std::chrono::milliseconds kPatience{700};  // of io_thread.h

class ConnectionsTest : public WritingTest {
 protected:
  // Ends the store's connections; how many there were. One without a state is only being let in: a
  // login that is refused is something else.
  int64_t cut() {
    return number(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NOT NULL");
  }
};

TEST_F(ConnectionsTest, ReadsAreAskedAgain) {
  store.put(alice, "A", "name");
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(eventually([&] { return cut() > 0; }));
    const auto asked = std::chrono::steady_clock::now();
    const int32_t status = store.get(alice, "A").status;
    // On a busy machine another connection may take longer to make than a read waits for one.
    const bool is_late = std::chrono::steady_clock::now() - asked >= kPatience;
    EXPECT_TRUE(status == MXD_OK || (status == MXD_UNAVAILABLE && is_late)) << round;
  }
}

TEST_F(ConnectionsTest, AWriteOfWhichNobodyKnowsIsUnavailableAndCanBeRepeated) {
  store.put(alice, "A", "old");
  auto lock = database.lock_writes();
  const mxd_op op = start_rename("A", "new").op;
  ASSERT_TRUE(eventually([&] {
    return number(
               "SELECT count(*) FROM pg_stat_activity"
               " WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0;
  })) << "it is on its way";
  number(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
      " WHERE datname = current_database() AND wait_event_type = 'Lock'");
  EXPECT_EQ(wait_for(op).status, MXD_UNAVAILABLE);
  lock.reset();
  EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, "old");
  EXPECT_EQ(store.rename(alice, "A", "new").status, MXD_OK);
}

// What was sent into a connection that is gone may be lost: as often as there are such.
TEST_F(ConnectionsTest, WritesGoOnOverNewOnes) {
  for (int round = 0; round < 10; ++round) {
    const std::string name = std::to_string(round);
    EXPECT_TRUE(eventually([&] { return cut() > 0; }));
    EXPECT_TRUE(eventually([&] {
      const int32_t status = store.put(alice, "A", name.c_str()).status;
      EXPECT_TRUE(status >= 0 || status == MXD_UNAVAILABLE) << status;
      return status >= 0;
    }));
    EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, name);
  }
}

TEST_F(ConnectionsTest, ManyWritesShareACommit) {
  constexpr int kWrites = 200;
  for (int i = 0; i < kWrites; ++i)
    store.put(alice, "D" + std::to_string(i), "old");
  auto lock = database.lock_writes();
  for (int i = 0; i < kWrites; ++i)
    start_rename("D" + std::to_string(i), "new");
  for (const Rename& rename : renames) {
    EXPECT_FALSE(is_complete(rename.op)) << "nothing is answered before it is committed";
  }
  lock.reset();
  for (const Rename& rename : renames)
    EXPECT_EQ(wait_for(rename.op).status, MXD_OK);
  EXPECT_EQ(rows("devices WHERE display_name = 'new'"), kWrites);
  // Each row bears the transaction that wrote it.
  const int64_t commits = number("SELECT count(DISTINCT xmin::text) FROM devices");
  EXPECT_LE(commits, kWrites / 10);
}

// The statements of a store that is open go on while an operator looks and changes.
TEST_F(ConnectionsTest, PreparedStatementsSurviveAChangeOfTheTables) {
  store.put(alice, "A", "name");
  store.get(alice, "A");
  execute("ALTER TABLE devices ADD COLUMN another text; ANALYZE");
  EXPECT_EQ(store.get(alice, "A").devices.at(0).display_name, "name");
  EXPECT_EQ(store.rename(alice, "A", "new").status, MXD_OK);
}

}  // namespace
}  // namespace mxd::test
