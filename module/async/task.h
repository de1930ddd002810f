#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace mxd::async {

// A coroutine's frame comes from the arena of its first argument (for a member function: of the
// object): anything with `arena()`.
struct FrameInArena {
  template <class First, class... Rest>
  static void* operator new(size_t size, First& first, Rest&...) {
    return first.arena().allocate(size);
  }
  static void operator delete(void*, size_t) noexcept {}
};

// A coroutine that starts when it is awaited, and gives its awaiter a T.
//
// Who resumes whom: the awaiter starts the child and then, like the child when it is done, crosses
// the `met` line. Whoever crosses second goes on with the parent: the awaiter by not suspending
// at all (the child was done at once), the child by resuming it (on whichever thread it ended).
// So the stack grows with the depth of awaits only, never with their number, and no symmetric
// transfer is needed, which the compilers at hand get wrong without optimisation.
//
// await_suspend is kept out of line: inlined, compilers move its last steps past the point where
// another thread may already have resumed, and freed, the frame.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] void await_suspend(Handle child) const noexcept {
      promise_type& promise = child.promise();
      const auto parent = promise.parent;
      if (promise.met.exchange(true, std::memory_order_acq_rel)) parent.resume();
    }
    void await_resume() const noexcept {}
  };

  struct promise_type : FrameInArena {
    Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
    template <class U>
    void return_value(U&& value) {
      result.emplace(std::forward<U>(value));
    }

    std::coroutine_handle<> parent;
    std::atomic<bool> met{false};
    std::optional<T> result;
    std::exception_ptr thrown;
  };

  struct Awaiter {
    Handle child;
    bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> parent) const noexcept {
      promise_type& promise = child.promise();
      promise.parent = parent;
      child.resume();
      return !promise.met.exchange(true, std::memory_order_acq_rel);
    }
    T await_resume() const {
      promise_type& promise = child.promise();
      if (promise.thrown) std::rethrow_exception(promise.thrown);
      return std::move(*promise.result);
    }
  };

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

}  // namespace mxd::async
