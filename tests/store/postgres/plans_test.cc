// What is read to answer, whatever the planner takes the data for.
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

class PlansTest : public AliceTest {
 protected:
  // Rows of devices that were read so far, once nobody else has the database open.
  int64_t devices_read() {
    EXPECT_TRUE(eventually([&] {
      return number(
                 "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                 " AND backend_type = 'client backend'") == 1;
    }));
    // Else what it has read itself is counted a second later.
    database.execute("SELECT pg_stat_force_next_flush()");
    return number(
        "SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
        " WHERE relname = 'devices')::bigint FROM pg_stat_user_tables"
        " WHERE relname = 'devices'");
  }
};

// An account may have any number of devices. Where the statistics know only accounts with two, of
// the same IDs as everybody's (a bridge's ghosts), an ID seems to say little, and the account all.
TEST_F(PlansTest, ADeviceIsFoundByItsWholeKey) {
  constexpr int kRounds = 10;
  database.execute(
      "ALTER TABLE devices SET (autovacuum_enabled = false);"
      "INSERT INTO accounts (account, user_id, created_ms)"
      " SELECT i, '@ghost' || i || ':example.org', 1 FROM generate_series(1, 5000) AS i;"
      "INSERT INTO devices (account, device_id, created_ms)"
      " SELECT account, id, 1 FROM accounts CROSS JOIN unnest(ARRAY['BRIDGE', 'OTHER']) AS id"
      " WHERE user_id LIKE '@ghost%';"
      "INSERT INTO access_tokens (account, digest, device_id, oauth)"
      " SELECT account, sha256((account || device_id)::bytea), device_id, false FROM devices;"
      "ANALYZE");
  database.add_devices(alice, 5000);
  const std::string token = store.login("alice", "DEVICE00001").access_token;
  store.close();
  const int64_t before = devices_read();

  // As after some uses: the plan is for any account.
  OpenStore again(url() + "&options=-cplan_cache_mode%3Dforce_generic_plan", surroundings);
  for (int i = 0; i < kRounds; ++i) {
    const std::string id = "DEVICE0010" + std::to_string(i);
    EXPECT_EQ(again.authenticate(token).status, MXD_OK);
    EXPECT_EQ(again.get(alice, id).status, MXD_OK);
    EXPECT_EQ(again.rename(alice, id, "renamed").status, MXD_OK);
    EXPECT_EQ(again.put(alice, id, "renamed").status, MXD_OK);
    EXPECT_EQ(again.mark_validated(alice, id, surroundings.now_ms).status, MXD_OK);
    EXPECT_EQ(again.remove(alice, {id}).status, MXD_OK);
  }
  again.close();
  EXPECT_LT(devices_read() - before, kRounds * 50);
}

}  // namespace
}  // namespace mxd::test
