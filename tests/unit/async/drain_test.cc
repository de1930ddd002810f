// Who runs on which frame: work that comes up inside run() waits for the outermost one.
#include "module/async/drain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "module/async/task.h"

namespace mxd::async {
namespace {

using Timeline = std::vector<std::string>;

// A request of these tests: does `steps` one after the other, suspended in between.
struct Errand {
  explicit Errand(Gate& gate, std::string called, std::vector<std::function<void()>> todo)
      : slot(Slot::acquire(gate)), name(std::move(called)), steps(std::move(todo)) {}
  memory::Arena& arena() noexcept { return slot.arena(); }

  Slot& slot;
  std::string name;
  std::vector<std::function<void()>> steps;
  Timeline* timeline = nullptr;
};

struct Root {
  struct promise_type : FrameInArena {
    explicit promise_type(Errand& errand) : slot(errand.slot) {}
    Root get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct Ended {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> root) const noexcept {
        note_finished(root.promise().slot);
      }
      void await_resume() const noexcept {}
    };
    Ended final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    Slot& slot;
  };
  std::coroutine_handle<promise_type> handle;
};

Root do_steps(Errand& errand) {
  for (size_t i = 0; i < errand.steps.size(); ++i) {
    if (i != 0) {
      std::suspend_always pause;
      co_await pause;
    }
    errand.timeline->push_back(errand.name + std::to_string(i));
    errand.steps[i]();
  }
}

void finish(Slot& slot) noexcept {
  auto& errand = *static_cast<Errand*>(slot.user);
  errand.timeline->push_back(errand.name + " finished");
  slot.release();
}

class DrainTest : public testing::Test {
 protected:
  ~DrainTest() override { EXPECT_EQ(gate.release(), Gate::Release::kEmpty); }

  void prepare(Errand& errand) {
    errand.timeline = &timeline;
    errand.slot.user = &errand;
    errand.slot.finished = finish;
    errand.slot.waiting = do_steps(errand).handle;
  }

  Gate& gate = Gate::claim(nullptr);
  Timeline timeline;
};

TEST_F(DrainTest, RunsAndFinishes) {
  Errand a(gate, "a", {[] {}});
  prepare(a);
  run(a.slot);
  EXPECT_EQ(timeline, (Timeline{"a0", "a finished"}));
}

TEST_F(DrainTest, SuspendedIsNotFinished) {
  Errand a(gate, "a", {[] {}, [] {}});
  prepare(a);
  run(a.slot);
  EXPECT_EQ(timeline, Timeline{"a0"});
  run(a.slot);
  EXPECT_EQ(timeline, (Timeline{"a0", "a1", "a finished"}));
}

TEST_F(DrainTest, WhatComesUpInsideWaitsForTheOutermost) {
  Errand c(gate, "c", {[] {}});
  Errand b(gate, "b", {[&] { run(c.slot); }});
  Errand a(gate, "a", {[&] {
             run(b.slot);
             timeline.push_back("a goes on");
           }});
  for (Errand* errand : {&a, &b, &c})
    prepare(*errand);
  run(a.slot);
  EXPECT_EQ(timeline,
            (Timeline{"a0", "a goes on", "a finished", "b0", "b finished", "c0", "c finished"}));
}

TEST_F(DrainTest, InTheOrderTheyCameUp) {
  Errand b(gate, "b", {[] {}});
  Errand c(gate, "c", {[] {}});
  Errand d(gate, "d", {[] {}});
  Errand a(gate, "a", {[&] {
             run(b.slot);
             run(c.slot);
             run(d.slot);
           }});
  for (Errand* errand : {&a, &b, &c, &d})
    prepare(*errand);
  run(a.slot);
  EXPECT_EQ(timeline, (Timeline{"a0", "a finished", "b0", "b finished", "c0", "c finished", "d0",
                                "d finished"}));
}

TEST_F(DrainTest, ARequestMayStartTheNextWhenItFinishes) {
  static Errand* next = nullptr;
  Errand b(gate, "b", {[] {}});
  Errand a(gate, "a", {[] {}});
  prepare(a);
  prepare(b);
  next = &b;
  a.slot.finished = [](Slot& slot) noexcept {
    finish(slot);
    run(next->slot);
    next->timeline->push_back("a's finish goes on");
  };
  run(a.slot);
  EXPECT_EQ(timeline, (Timeline{"a0", "a finished", "a's finish goes on", "b0", "b finished"}));
}

TEST_F(DrainTest, AThousandNestedDoNotGrowTheStack) {
  std::vector<std::unique_ptr<Errand>> errands;
  constexpr size_t kMany = 1000;
  uintptr_t lowest = UINTPTR_MAX;
  uintptr_t highest = 0;
  for (size_t i = 0; i < kMany; ++i) {
    errands.push_back(std::make_unique<Errand>(
        gate, "e", std::vector<std::function<void()>>{[&, i] {
          const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
          lowest = std::min(lowest, here);
          highest = std::max(highest, here);
          if (i + 1 < kMany) run(errands[i + 1]->slot);
        }}));
  }
  for (auto& errand : errands)
    prepare(*errand);
  run(errands[0]->slot);
  EXPECT_EQ(timeline.size(), 2 * kMany);
  EXPECT_LE(highest - lowest, 1024u) << "each ran on the frame of the one before";
}

TEST_F(DrainTest, EachThreadHasItsOwn) {
  Errand b(gate, "b", {[] {}});
  Errand a(gate, "a", {[&] {
             std::thread other([&] { run(b.slot); });
             other.join();
             timeline.push_back("a goes on");
           }});
  prepare(a);
  prepare(b);
  run(a.slot);
  EXPECT_EQ(timeline, (Timeline{"a0", "b0", "b finished", "a goes on", "a finished"}));
}

}  // namespace
}  // namespace mxd::async
