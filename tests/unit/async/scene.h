#pragma once

#include <coroutine>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "module/async/task.h"
#include "module/memory/arena.h"

namespace mxd::async {

using Timeline = std::vector<std::string>;

// An answer that comes when the test says so, on the thread where it does.
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

// What a coroutine of these tests is given: memory, and a place to write down what happens.
struct Scene {
  memory::Arena memory_;
  Timeline timeline;
  Later later;
  memory::Arena& arena() noexcept { return memory_; }
  void note(const std::string& what) { timeline.push_back(what); }
};

// The outermost coroutine: starts at once, and is destroyed with its handle.
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

}  // namespace mxd::async
