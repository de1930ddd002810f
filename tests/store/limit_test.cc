// Limits that a store shares, or says that it does not.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "tests/store/store_test.h"

namespace mxd::test {
namespace {

struct Taken {
  int32_t status = INT32_MIN;
  int64_t wait_ms = 0;
};

class LimitTest : public AliceTest {
 protected:
  void SetUp() override {
    if (take("probe", 5).status == MXD_UNSUPPORTED) {
      GTEST_SKIP() << "this engine shares no limits";
    }
  }

  // A unit of one bucket, or, with -1, back to it.
  Taken take(const std::string& key, int64_t burst, int32_t units = 1) {
    return take_all(store, {{key, burst}}, units);
  }

  // A unit of each, by key and burst.
  static Taken take_all(OpenStore& of, const std::vector<std::pair<std::string, int64_t>>& buckets,
                        int32_t units = 1) {
    struct Waiting {
      std::mutex mutex;
      std::condition_variable changed;
      bool is_done = false;
      Taken taken;
    } waiting;
    std::vector<mxd_limit> limits;
    for (const auto& [key, burst] : buckets)
      limits.push_back({burst, 60'000, view("login_user"), view(key)});
    mxd_limit_request request{};
    request.size = sizeof request;
    request.units = units;
    request.limits = limits.data();
    request.limit_count = limits.size();
    const auto done = [](mxd_cookie cookie, int32_t status, int64_t wait_ms, mxd_view) noexcept {
      auto& waited = *reinterpret_cast<Waiting*>(cookie);
      const std::lock_guard lock(waited.mutex);
      waited.taken = {status, wait_ms};
      waited.is_done = true;
      waited.changed.notify_all();
    };
    const int32_t status =
        library().take_limit(of.get(), &request, done, reinterpret_cast<mxd_cookie>(&waiting));
    if (status != MXD_OK) return {status, 0};
    std::unique_lock lock(waiting.mutex);
    waiting.changed.wait(lock, [&] { return waiting.is_done; });
    return waiting.taken;
  }

  // How many units of a bucket there are, when many want one at once in two processes.
  int64_t units_at_once(const std::string& key, int64_t burst) {
    constexpr int kThreads = 16;
    OpenStore other(url(), surroundings);
    std::atomic<int64_t> units{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        OpenStore& at = i % 2 == 0 ? store : other;
        if (take_all(at, {{key, burst}}).status == MXD_OK) ++units;
      });
    }
    for (std::thread& thread : threads)
      thread.join();
    return units;
  }
};

TEST_F(LimitTest, UnitsAreTakenAndComeBack) {
  EXPECT_EQ(take("alice", 2).status, MXD_OK);
  EXPECT_EQ(take("alice", 2).status, MXD_OK);
  const Taken over = take("alice", 2);
  EXPECT_EQ(over.status, MXD_LIMIT_EXCEEDED);
  EXPECT_GT(over.wait_ms, 0);
  EXPECT_LE(over.wait_ms, 60'000);
  EXPECT_EQ(take("bob", 2).status, MXD_OK) << "a bucket of its own";
  EXPECT_EQ(take("alice", 2, -1).status, MXD_OK);
  EXPECT_EQ(take("alice", 2).status, MXD_OK) << "given back";
  EXPECT_EQ(take("alice", 2).status, MXD_LIMIT_EXCEEDED);
  surroundings.now_ms += 60'000;
  EXPECT_EQ(take("alice", 2).status, MXD_OK) << "with time";
}

TEST_F(LimitTest, AUnitOfEachOrOfNone) {
  ASSERT_EQ(take("address", 1).status, MXD_OK);
  const Taken refused = take_all(store, {{"alice", 2}, {"address", 1}, {"bob", 1}});
  EXPECT_EQ(refused.status, MXD_LIMIT_EXCEEDED);
  EXPECT_EQ(refused.wait_ms, 60'000) << "until there is one of each";
  EXPECT_EQ(units_at_once("alice", 2), 2) << "none was taken of those that had some";
  EXPECT_EQ(units_at_once("bob", 1), 1);
}

TEST_F(LimitTest, AtOnceNoMoreAreGivenThanThereAre) {
  EXPECT_EQ(units_at_once("alice", 5), 5);
}

// Servers' clocks differ, and what one has taken is not given back by another; but a clock that was
// set back keeps nobody out for as long as that.
TEST_F(LimitTest, AClockThatIsSetBackTakesNothingBackAndKeepsNobodyOut) {
  ASSERT_EQ(units_at_once("alice", 2), 2);
  surroundings.now_ms -= 30'000;
  EXPECT_EQ(take("alice", 2).wait_ms, 90'000);
  surroundings.now_ms -= 86'400'000;
  EXPECT_EQ(take("alice", 2).wait_ms, 60'000);
  surroundings.now_ms += 60'000;
  EXPECT_EQ(take("alice", 2).status, MXD_OK);
  EXPECT_EQ(take("alice", 2).status, MXD_LIMIT_EXCEEDED);
}

}  // namespace
}  // namespace mxd::test
