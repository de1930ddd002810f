// Who resumes whom, and when: most tests write down what happens and compare the timeline.
#include "module/async/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/async/scene.h"

namespace mxd::async {
namespace {

Task<int> at_once(Scene& scene, int value) {
  scene.note("child");
  co_return value;
}

Task<int> suspended(Scene& scene) {
  scene.note("child waits");
  const int answer = co_await scene.later;
  scene.note("child goes on");
  co_return answer;
}

Task<int> failing(Scene& scene) {
  const int answer = co_await scene.later;
  throw std::runtime_error("answer " + std::to_string(answer));
}

Root await_at_once(Scene& scene) {
  scene.note("parent");
  const int got = co_await at_once(scene, 7);
  scene.note("parent got " + std::to_string(got));
}

Root await_suspended(Scene& scene) {
  scene.note("parent");
  const int got = co_await suspended(scene);
  scene.note("parent got " + std::to_string(got));
}

Root await_failing(Scene& scene) {
  try {
    const int got = co_await failing(scene);
    scene.note("parent got " + std::to_string(got));
  } catch (const std::runtime_error& error) {
    scene.note(std::string("parent caught ") + error.what());
  }
}

TEST(Task, ChildThatIsDoneAtOnce) {
  Scene scene;
  const Root root = await_at_once(scene);
  EXPECT_TRUE(root.done());
  EXPECT_EQ(scene.timeline, (Timeline{"parent", "child", "parent got 7"}));
}

TEST(Task, ChildThatWaits) {
  Scene scene;
  const Root root = await_suspended(scene);
  scene.note("caller goes on");
  EXPECT_FALSE(root.done());
  scene.later.answer(8);
  EXPECT_TRUE(root.done());
  EXPECT_EQ(scene.timeline,
            (Timeline{"parent", "child waits", "caller goes on", "child goes on", "parent got 8"}));
}

TEST(Task, StartsWhenItIsAwaited) {
  Scene scene;
  {
    const auto never_awaited = at_once(scene, 1);
    EXPECT_EQ(scene.timeline, Timeline{});
  }
  EXPECT_EQ(scene.timeline, Timeline{}) << "and not when it is destroyed";
}

TEST(Task, ExceptionReachesTheAwaiter) {
  for (const bool at_once_thrown : {true, false}) {
    Scene scene;
    if (at_once_thrown) scene.later.answer(9);
    const Root root = await_failing(scene);
    if (!at_once_thrown) scene.later.answer(9);
    EXPECT_TRUE(root.done());
    EXPECT_EQ(scene.timeline, Timeline{"parent caught answer 9"});
  }
}

// ---- The stack ----

// Where the stack is; called out of line.
[[gnu::noinline]] uintptr_t stack_pointer() {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
}

struct StackSpan {
  uintptr_t lowest = UINTPTR_MAX;
  uintptr_t highest = 0;
  void note() {
    const auto here = stack_pointer();
    lowest = std::min(lowest, here);
    highest = std::max(highest, here);
  }
  uintptr_t bytes() const { return highest - lowest; }
};

// An arena of their own for the frames of a loop: a million of them would fill the scene's.
struct Frames {
  memory::Arena memory_;
  memory::Arena& arena() noexcept { return memory_; }
};

Task<int> leaf(Frames&, StackSpan& span) {
  span.note();
  co_return 1;
}

Root loop(Scene&, StackSpan& span, int times, int64_t& total) {
  Frames frames;
  for (int i = 0; i < times; ++i) {
    {
      const int got = co_await leaf(frames, span);
      total += got;
    }
    frames.memory_.reset();
  }
}

TEST(Task, MillionAwaitsInALoopDoNotGrowTheStack) {
  Scene scene;
  StackSpan span;
  int64_t total = 0;
  const Root root = loop(scene, span, 1'000'000, total);
  EXPECT_TRUE(root.done());
  EXPECT_EQ(total, 1'000'000);
  EXPECT_LE(span.bytes(), 1024u) << "the stack grows with the number of awaits";
}

Task<int> deep(Scene& scene, int depth) {
  if (depth == 0) {
    const int answer = co_await scene.later;
    co_return answer;
  }
  const int below = co_await deep(scene, depth - 1);
  co_return below + 1;
}

Root await_deep(Scene& scene, int depth) {
  const int got = co_await deep(scene, depth);
  scene.note(std::to_string(got));
}

TEST(Task, DeepAwaits) {
  for (const bool waits : {false, true}) {
    Scene scene;
    if (!waits) scene.later.answer(1000);
    const Root root = await_deep(scene, 50);
    if (waits) scene.later.answer(1000);
    EXPECT_TRUE(root.done());
    EXPECT_EQ(scene.timeline, Timeline{"1050"});
  }
}

// ---- Memory ----

TEST(Task, FramesLieInTheArenaOfTheFirstArgument) {
  Scene scene;
  EXPECT_FALSE(scene.memory_.holds_memory());
  const auto task = at_once(scene, 1);
  EXPECT_TRUE(scene.memory_.holds_memory());
}

struct Counted {
  explicit Counted(int& living_count) : living(&living_count) { ++*living; }
  Counted(Counted&& other) noexcept : living(other.living) { ++*living; }
  ~Counted() { --*living; }
  int* living;
};

Task<int> holding(Scene& scene, Counted mine) {
  const int answer = co_await scene.later;
  co_return answer + *mine.living;
}

Root await_holding(Scene& scene, int& living) {
  Counted mine(living);
  const int got = co_await holding(scene, std::move(mine));
  scene.note(std::to_string(got));
}

TEST(Task, DestroysWhatItHolds) {
  int living = 0;
  {
    Scene scene;
    const Root root = await_holding(scene, living);
    EXPECT_GE(living, 2) << "the caller's and the child's";
    scene.later.answer(0);
    EXPECT_TRUE(root.done());
  }
  EXPECT_EQ(living, 0);
}

TEST(Task, AbandonedWhileItWaits) {
  int living = 0;
  {
    Scene scene;
    const Root root = await_holding(scene, living);
    EXPECT_GE(living, 2);
  }
  EXPECT_EQ(living, 0) << "a frame that is destroyed takes its children along";
}

}  // namespace
}  // namespace mxd::async
