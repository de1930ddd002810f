// Who resumes whom, and when: most tests write down what happens and compare the timeline.
#include "module/async/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "module/async/arena.h"

namespace mxd::async {
namespace {

using Timeline = std::vector<std::string>;

/// An answer that comes when the test says so, on the thread where it does.
class Later {
 public:
  bool await_ready() const noexcept { return ready_; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  int await_resume() const noexcept { return value_; }

  void answer(int value) {
    value_ = value;
    ready_ = true;
    if (waiting_) waiting_.resume();
  }
  bool awaited() const { return waiting_ != nullptr; }

 private:
  std::coroutine_handle<> waiting_;
  int value_ = 0;
  bool ready_ = false;
};

/// What a coroutine of these tests is given: memory, and a place to write down what happens.
struct Scene {
  Arena memory;
  Timeline timeline;
  Later later;
  Arena& arena() noexcept { return memory; }
  void note(const std::string& what) { timeline.push_back(what); }
};

/// The outermost coroutine: starts at once, and is destroyed with its handle.
struct Root {
  struct promise_type : FrameInArena {
    Root get_return_object() noexcept {
      return Root(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  explicit Root(std::coroutine_handle<promise_type> started) : handle(started) {}
  Root(Root&& moved) noexcept : handle(std::exchange(moved.handle, nullptr)) {}
  ~Root() {
    if (handle) handle.destroy();
  }
  bool done() const { return handle.done(); }
  std::coroutine_handle<promise_type> handle;
};

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

TEST(Task, CompletionOnAnotherThread) {
  for (int round = 0; round < 500; ++round) {
    Scene scene;
    const Root root = await_suspended(scene);
    ASSERT_TRUE(scene.later.awaited());
    std::thread other([&] { scene.later.answer(round); });
    other.join();
    ASSERT_TRUE(root.done());
    ASSERT_EQ(scene.timeline.back(), "parent got " + std::to_string(round));
  }
}

/// A thread that resumes what it is given.
class Worker {
 public:
  Worker() : thread_([this] { work(); }) {}
  ~Worker() {
    post(nullptr);
    thread_.join();
  }

  std::thread::id id() const { return thread_.get_id(); }

  void post(std::coroutine_handle<> due) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(due);
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !queue_.empty(); });
      const auto due = queue_.front();
      queue_.pop_front();
      lock.unlock();
      if (!due) return;
      due.resume();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::coroutine_handle<>> queue_;
  std::thread thread_;
};

/// Goes on on that worker, perhaps before await_suspend has returned.
class OnWorker {
 public:
  explicit OnWorker(Worker& worker) : worker_(worker) {}
  bool await_ready() const noexcept { return false; }
  [[gnu::noinline]] void await_suspend(std::coroutine_handle<> waiting) { worker_.post(waiting); }
  void await_resume() const noexcept {}

 private:
  Worker& worker_;
};

Task<std::thread::id> hop(Scene&, Worker& worker) {
  OnWorker elsewhere(worker);
  co_await elsewhere;
  co_return std::this_thread::get_id();
}

/// Counts the hops whose child ended on the worker that it was sent to. The parent goes on there
/// too, or where it was if the child was faster than its suspension.
Root hop_often(Scene& scene, Worker& one, Worker& other, int hops, std::atomic<int>& arrived) {
  int count = 0;
  for (int i = 0; i < hops; ++i) {
    Worker& target = i % 2 == 0 ? one : other;
    const auto ended_on = co_await hop(scene, target);
    if (ended_on == target.id()) ++count;
  }
  arrived = count;  // the last thing that it does
}

TEST(Task, HopsBetweenThreads) {
  constexpr int kHops = 20'000;
  Scene scene;
  std::atomic<int> arrived{-1};
  std::optional<Root> root;
  {
    Worker one, other;
    root.emplace(hop_often(scene, one, other, kHops, arrived));
    while (arrived == -1)
      std::this_thread::yield();
  }
  EXPECT_TRUE(root->done());
  EXPECT_EQ(arrived, kHops);
}

// ---- The stack ----

/// Where the stack is; called out of line.
[[gnu::noinline]] std::uintptr_t stack_pointer() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

struct StackSpan {
  std::uintptr_t lowest = UINTPTR_MAX;
  std::uintptr_t highest = 0;
  void note() {
    const auto here = stack_pointer();
    lowest = std::min(lowest, here);
    highest = std::max(highest, here);
  }
  std::uintptr_t bytes() const { return highest - lowest; }
};

/// An arena of their own for the frames of a loop: a million of them would fill the scene's.
struct Frames {
  Arena memory;
  Arena& arena() noexcept { return memory; }
};

Task<int> leaf(Frames&, StackSpan& span) {
  span.note();
  co_return 1;
}

Root loop(Scene&, StackSpan& span, int times, std::int64_t& total) {
  Frames frames;
  for (int i = 0; i < times; ++i) {
    {
      const int got = co_await leaf(frames, span);
      total += got;
    }
    frames.memory.reset();
  }
}

TEST(Task, MillionAwaitsInALoopDoNotGrowTheStack) {
  Scene scene;
  StackSpan span;
  std::int64_t total = 0;
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
  EXPECT_FALSE(scene.memory.holds_memory());
  const auto task = at_once(scene, 1);
  EXPECT_TRUE(scene.memory.holds_memory());
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
