// Tasks whose children end on other threads.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/unit/async/scene.h"

namespace mxd::async {
namespace {

Task<int> suspended(Scene& scene) {
  const int answer = co_await scene.later;
  co_return answer;
}

Root await_suspended(Scene& scene) {
  const int got = co_await suspended(scene);
  scene.note("parent got " + std::to_string(got));
}

TEST(TaskThreads, CompletionOnAnotherThread) {
  for (int round = 0; round < 200; ++round) {
    Scene scene;
    const Root root = await_suspended(scene);
    ASSERT_TRUE(scene.later.awaited());
    std::thread other([&] { scene.later.answer(round); });
    other.join();
    ASSERT_TRUE(root.done());
    ASSERT_EQ(scene.timeline, Timeline{"parent got " + std::to_string(round)});
  }
}

// A thread that resumes what it is given.
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

// Goes on on that worker, perhaps before await_suspend has returned.
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

// Counts the hops whose child ended on the worker that it was sent to. The parent goes on there
// too, or where it was if the child was faster than its suspension.
Root hop_often(Scene& scene, Worker& one, Worker& other, int hops, std::atomic<int>& arrived) {
  int count = 0;
  for (int i = 0; i < hops; ++i) {
    Worker& target = i % 2 == 0 ? one : other;
    const auto ended_on = co_await hop(scene, target);
    if (ended_on == target.id()) ++count;
  }
  arrived = count;
  arrived.notify_all();
}

TEST(TaskThreads, HopsBetweenThreads) {
  constexpr int kHops = 2'000;
  Scene scene;
  std::atomic<int> arrived{-1};
  std::optional<Root> root;
  {
    Worker one, other;
    root.emplace(hop_often(scene, one, other, kHops, arrived));
    arrived.wait(-1);
  }
  EXPECT_TRUE(root->done());
  EXPECT_EQ(arrived, kHops);
}

}  // namespace
}  // namespace mxd::async
