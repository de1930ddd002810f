// Limits that all servers of a database share.
#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

constexpr int64_t kIntervalMs = 1000;

class LimitsTest : public AliceTest {
 protected:
  LimitsTest() : other(url(), surroundings) {}

  // One bucket of this many units.
  static mxd_limit bucket(std::string_view key, int64_t burst, std::string_view name = "uia") {
    return {burst, kIntervalMs, view(name), view(key)};
  }

  static Answer take(OpenStore& from, const std::vector<mxd_limit>& limits, int32_t units = 1) {
    mxd_limit_request request{};
    request.size = sizeof request;
    request.units = units;
    request.limits = limits.data();
    request.limit_count = limits.size();
    const mxd_op op = new_operation();
    EXPECT_EQ(from.host().take_limit(from.host().cookie, 0, op, 0, &request), MXD_OK);
    return wait_for(op);
  }

  OpenStore other;
};

TEST_F(LimitsTest, WhatOneStoreTakesTheOtherHasNot) {
  const auto alices = bucket("@alice:example.org", 5);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(take(i % 2 == 0 ? store : other, {alices}).status, MXD_OK) << i;
  for (OpenStore* each : {&store, &other}) {
    const Answer refused = take(*each, {alices});
    EXPECT_EQ(refused.status, MXD_LIMIT_EXCEEDED);
    ASSERT_TRUE(refused.retry_after_ms.has_value());
    EXPECT_GT(*refused.retry_after_ms, 0);
    EXPECT_LE(*refused.retry_after_ms, kIntervalMs);
  }
  EXPECT_EQ(take(store, {bucket("@bob:example.org", 5)}).status, MXD_OK) << "somebody else's";
  EXPECT_EQ(take(store, {bucket("@alice:example.org", 5, "another")}).status, MXD_OK);
  surroundings.now_ms += kIntervalMs;
  EXPECT_EQ(take(other, {alices}).status, MXD_OK) << "one came back";
  EXPECT_EQ(take(store, {alices}).status, MXD_LIMIT_EXCEEDED);
  store.close();
  OpenStore again(url(), surroundings);
  EXPECT_EQ(take(again, {alices}).status, MXD_LIMIT_EXCEEDED) << "a restart gives none back";
}

TEST_F(LimitsTest, OneIsTakenFromEachOrFromNone) {
  const auto large = bucket("@alice:example.org", 3, "large");
  const auto small = bucket("@alice:example.org PHONE", 1, "small");
  EXPECT_EQ(take(store, {large, small}).status, MXD_OK);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(take(other, {large, small}).status, MXD_LIMIT_EXCEEDED);
  EXPECT_EQ(take(store, {large}).status, MXD_OK);
  EXPECT_EQ(take(store, {large}).status, MXD_OK) << "a refusal took none of these";
  EXPECT_EQ(take(store, {large}).status, MXD_LIMIT_EXCEEDED);
}

TEST_F(LimitsTest, OneIsGivenBackAndNeverMoreThanThereWere) {
  const auto alices = bucket("@alice:example.org", 2);
  EXPECT_EQ(take(store, {alices}).status, MXD_OK);
  EXPECT_EQ(take(other, {alices}).status, MXD_OK);
  EXPECT_EQ(take(store, {alices}, -1).status, MXD_OK);
  EXPECT_EQ(take(other, {alices}).status, MXD_OK);
  EXPECT_EQ(take(other, {alices}).status, MXD_LIMIT_EXCEEDED);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(take(other, {alices}, -1).status, MXD_OK);
  EXPECT_EQ(take(store, {alices}).status, MXD_OK);
  EXPECT_EQ(take(store, {alices}).status, MXD_OK);
  EXPECT_EQ(take(store, {alices}).status, MXD_LIMIT_EXCEEDED);
}

TEST_F(LimitsTest, BucketsThatAreFullAgainAreSwept) {
  for (int i = 0; i < 300; ++i)
    take(store, {bucket("@u" + std::to_string(i) + ":example.org", 5)});
  EXPECT_EQ(rows("limits"), 300);
  surroundings.now_ms += kIntervalMs + 1;
  const auto lasting = bucket("@alice:example.org", 5);
  take(store, {lasting});
  mxd_store_swept swept{};
  swept.size = sizeof swept;
  char error[256];
  EXPECT_EQ(library().sweep(store.get(), &swept, error, sizeof error), MXD_OK) << error;
  EXPECT_EQ(rows("limits"), 1);
}

// They are of clients' choosing, and no key is kept.
TEST_F(LimitsTest, KeysMayBeLongAndAreNotKept) {
  const std::string key = "@alice:example.org " + std::string(1000, 'k');
  const auto longest = bucket(key, 1);
  EXPECT_EQ(take(store, {longest}).status, MXD_OK);
  EXPECT_EQ(take(other, {longest}).status, MXD_LIMIT_EXCEEDED);
  EXPECT_EQ(database.bytes().find(std::string(1000, 'k')), std::string::npos);
}

}  // namespace
}  // namespace mxd::test
