// For whom a transaction waits, and for how long.
#include "bindings/store/sqlite/group_commit.h"

#include <gtest/gtest.h>

namespace mxd::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using store::sqlite::GroupCommit;

// What a disk with this flush leads to.
GroupCommit after_commits(size_t writes, milliseconds flush, size_t queued) {
  GroupCommit group;
  for (int i = 0; i < 100; ++i)
    group.note(writes, flush, queued);
  return group;
}

TEST(GroupCommit, WaitsForNobodyAtFirst) {
  EXPECT_EQ(GroupCommit().missing(1), 0u);
  EXPECT_EQ(GroupCommit().patience(), microseconds(0));
}

TEST(GroupCommit, WhoWritesAloneWaitsForNobody) {
  EXPECT_EQ(after_commits(1, milliseconds(4), 0).missing(1), 0u);
}

TEST(GroupCommit, TwoHalvesBecomeOne) {
  const GroupCommit group = after_commits(32, milliseconds(4), 32);
  EXPECT_EQ(group.missing(32), 32u);
  EXPECT_EQ(group.missing(64), 0u);
  EXPECT_EQ(group.missing(65), 0u);
}

TEST(GroupCommit, WaitsForLessThanAFlushTakes) {
  EXPECT_GT(after_commits(9, milliseconds(4), 0).patience(), microseconds(900));
  EXPECT_LE(after_commits(9, milliseconds(4), 0).patience(), milliseconds(1));
  EXPECT_EQ(after_commits(9, milliseconds(100), 0).patience(), milliseconds(2)) << "at most";
  EXPECT_EQ(after_commits(9, milliseconds(0), 0).patience(), microseconds(0)) << "a fast disk";
}

TEST(GroupCommit, OneSlowFlushIsNotTheRule) {
  GroupCommit group = after_commits(9, milliseconds(0), 0);
  group.note(9, milliseconds(1), 0);
  EXPECT_LE(group.patience(), microseconds(50));
}

}  // namespace
}  // namespace mxd::test
