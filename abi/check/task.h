// A coroutine of one request. Nothing resumes anything directly: whoever is to run next is put
// where the request's loop (Dialogue::advance) finds it, so that no stack grows.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace mxd::check {

struct PromiseBase {
  std::coroutine_handle<> continuation;     // of who awaits this; none for the outermost
  std::coroutine_handle<>* next = nullptr;  // where the loop looks
  std::exception_ptr error;

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> finished) noexcept {
      *finished.promise().next = finished.promise().continuation;
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class Value>
struct Promise;

template <class Value = void>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<Value>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Lets the loop that looks at `next` begin with it.
  void start(std::coroutine_handle<>* next) {
    handle_.promise().next = next;
    *next = handle_;
  }
  bool done() const { return handle_.done(); }
  Value result() { return handle_.promise().take(); }

  bool await_ready() noexcept { return false; }
  template <class Awaiting>
  void await_suspend(std::coroutine_handle<Awaiting> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    start(awaiting.promise().next);
  }
  Value await_resume() { return result(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class Value>
struct Promise : PromiseBase {
  std::optional<Value> value;

  Task<Value> get_return_object() {
    return Task<Value>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  void return_value(Value result) { value = std::move(result); }
  Value take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
  }
  void return_void() {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace mxd::check
