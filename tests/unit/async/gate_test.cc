#include "module/async/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mxd::async {
namespace {

struct Closed {
  std::atomic<int> times{0};
  static void done(uintptr_t cookie) noexcept { ++reinterpret_cast<Closed*>(cookie)->times; }
  uintptr_t cookie() { return reinterpret_cast<uintptr_t>(this); }
};

TEST(Gate, OpenGateLetsIn) {
  int instance = 0;
  Gate& gate = Gate::claim(&instance);
  EXPECT_EQ(gate.instance(), &instance);
  EXPECT_TRUE(gate.enter());
  EXPECT_EQ(gate.release(), Gate::Release::kBusy) << "somebody is inside";
  gate.leave();
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
}

TEST(Gate, CloseOfAnEmptyGateIsDoneAtOnce) {
  Gate& gate = Gate::claim(nullptr);
  Closed closed;
  EXPECT_TRUE(gate.close(Closed::done, closed.cookie()));
  EXPECT_EQ(closed.times, 1);
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.close(Closed::done, closed.cookie())) << "closed before";
  EXPECT_EQ(closed.times, 1);
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
}

TEST(Gate, LastOneToLeaveSaysSo) {
  Gate& gate = Gate::claim(nullptr);
  Closed closed;
  ASSERT_TRUE(gate.enter());
  ASSERT_TRUE(gate.enter());
  EXPECT_TRUE(gate.close(Closed::done, closed.cookie()));
  EXPECT_FALSE(gate.enter());
  gate.leave();
  EXPECT_EQ(closed.times, 0);
  EXPECT_EQ(gate.release(), Gate::Release::kBusy);
  gate.leave();
  EXPECT_EQ(closed.times, 1);
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
}

TEST(Gate, PinHoldsWhatIsThere) {
  Gate& gate = Gate::claim(nullptr);
  const auto generation = gate.generation();
  EXPECT_TRUE(gate.pin(generation));
  EXPECT_FALSE(gate.pin(generation + 1)) << "of another generation";
  EXPECT_EQ(gate.release(), Gate::Release::kBusy);
  Closed closed;
  EXPECT_TRUE(gate.close(Closed::done, closed.cookie()));
  EXPECT_TRUE(gate.pin(generation)) << "closing, but somebody is still to leave";
  gate.leave();
  gate.leave();
  EXPECT_EQ(closed.times, 1);
  EXPECT_FALSE(gate.pin(generation)) << "nobody is left";
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
  EXPECT_FALSE(gate.pin(generation));
}

TEST(Gate, ReusedUnderANewGeneration) {
  Gate& first = Gate::claim(nullptr);
  const auto generation = first.generation();
  ASSERT_EQ(first.release(), Gate::Release::kEmpty);
  int instance = 0;
  Gate& second = Gate::claim(&instance);
  ASSERT_EQ(&second, &first) << "gates are reused";
  EXPECT_NE(second.generation(), generation);
  EXPECT_FALSE(second.pin(generation)) << "a token of the instance before";
  EXPECT_EQ(second.release(), Gate::Release::kEmpty);
}

TEST(Gate, AbandonedGate) {
  Gate& gate = Gate::claim(nullptr);
  const auto generation = gate.generation();
  ASSERT_TRUE(gate.enter());
  EXPECT_FALSE(gate.abandoned());
  gate.abandon();
  EXPECT_TRUE(gate.abandoned());
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.pin(generation));
  Closed closed;
  EXPECT_FALSE(gate.close(Closed::done, closed.cookie()));
  EXPECT_EQ(gate.release(), Gate::Release::kInUse);
  gate.leave();
  EXPECT_EQ(closed.times, 0) << "nothing is called any more";
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
}

TEST(Gate, HammeredFromManyThreads) {
  for (int round = 0; round < 50; ++round) {
    Gate& gate = Gate::claim(nullptr);
    Closed closed;
    std::atomic<int> inside{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (gate.enter()) {
          ++inside;
          EXPECT_EQ(closed.times, 0) << "done while somebody is inside";
          --inside;
          gate.leave();
        }
      });
    }
    EXPECT_TRUE(gate.close(Closed::done, closed.cookie()));
    for (auto& thread : threads)
      thread.join();
    EXPECT_EQ(closed.times, 1);
    EXPECT_EQ(inside, 0);
    EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
  }
}

}  // namespace
}  // namespace mxd::async
