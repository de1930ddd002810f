#include "bindings/server/accounts/workers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <latch>

namespace mxd::server {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

TEST(WorkersTest, JobsRunAndAreCounted) {
  Workers workers(2, 3);
  std::latch both_run(2);
  std::latch may_end(1);
  const auto job = [&] {
    both_run.count_down();
    may_end.wait();
  };
  EXPECT_TRUE(workers.run(job));
  EXPECT_TRUE(workers.run(job));
  both_run.wait();
  EXPECT_TRUE(workers.run([] {}));
  EXPECT_EQ(workers.open(), 3);
  EXPECT_FALSE(workers.run([] {})) << "there is no more room";
  may_end.count_down();
  workers.join();
  EXPECT_EQ(workers.open(), 0);
}

TEST(WorkersTest, JoinWaitsForTheLastJob) {
  std::latch runs(1);
  std::latch may_end(1);
  bool is_run = false;
  Workers workers(1, 2);
  ASSERT_TRUE(workers.run([&] {
    runs.count_down();
    may_end.wait();
  }));
  runs.wait();
  ASSERT_TRUE(workers.run([&is_run] { is_run = true; }));
  may_end.count_down();
  workers.join();
  EXPECT_TRUE(is_run);
}

// The stack of a thread is 8 MiB of address space as a rule, and of that there is none for all.
[[noreturn]] void start_more_than_there_is_room_for() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + (100U << 20);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
  ::alarm(20);  // where it waits for ever
  try {
    const Workers workers(1000, 1);
  } catch (const std::exception&) {
    std::_Exit(0);
  }
  std::_Exit(1);
}

TEST(WorkersDeathTest, ThoseThatRunAreEndedWhereOneCanNotBeStarted) {
  if (kIsSanitized) GTEST_SKIP() << "a sanitizer's address space can't be limited";
  EXPECT_EXIT(start_more_than_there_is_room_for(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mxd::server
