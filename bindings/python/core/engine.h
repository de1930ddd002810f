// An instance of the module with the callback table that it was made with: one that only queues
// questions, or a store's.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "bindings/python/core/exchange.h"
#include "bindings/python/core/log_queue.h"
#include "bindings/python/core/wakeup.h"
#include "matrix_devices/module.hpp"

namespace mxd::python {

class Store;

class Engine {
 public:
  struct Options {
    bool put_device = false;
    bool mark_validated = false;
    bool take_limit = false;
    bool clock = false;  // set_now() says the time; else the system does
  };

  // Throws mxd::Error. With a store its callbacks answer, and the options have no meaning.
  Engine(const Module& module, std::string_view config, const Options& options,
         std::shared_ptr<Store> store);

  // Not before closed(), unless abandoned or forgotten: it would wait, and hold the GIL meanwhile.
  ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // MXD_OK: *exchange is under way. Any other status: the module's, or UNAVAILABLE once closed.
  // [any-thread]
  int32_t begin(mxd_request request, std::shared_ptr<Exchange>* exchange) noexcept;

  // Whether begin() would take a request with this method and target: OK, NOT_MINE, or UNAVAILABLE
  // once closed. [any-thread]
  int32_t match(mxd_view method, mxd_view target) const noexcept;

  // What the module is told of the time, with Options::clock. [any-thread]
  void set_now(int64_t now_ms) noexcept {
    touched_->now_ms.store(now_ms, std::memory_order_relaxed);
  }

  // Refuse new requests from now on.
  void shut_down();

  // After shut_down(): push `key` once nothing is in flight; false if nothing is.
  bool notify_closed(std::shared_ptr<Wakeup> wakeup, uint64_t key) noexcept;

  // Whether shut_down() is through; waits for it at most `timeout`, and then frees the instance.
  bool close(std::chrono::milliseconds timeout) noexcept;

  // The interpreter is at its exit: what is in flight stays unanswered.
  void abandon() noexcept;

  // This is a forked child: everything stays as it lies, and is never touched again.
  void forget();

  // Whether a store answers, which takes its time; else calls last some microseconds.
  bool has_store() const noexcept { return store_ != nullptr; }

  bool is_usable() const noexcept { return usable_.load(std::memory_order_acquire); }
  const Module& module() const noexcept { return module_; }
  uint64_t max_body_bytes() const noexcept { return max_body_bytes_; }
  const std::vector<mxd_route>& routes() const noexcept { return routes_; }
  LogQueue& log() noexcept { return *touched_->log; }

 private:
  struct Callbacks;
  class Visit;

  // What callbacks touch: kept for good by abandon(), after which one may still begin.
  struct Touched {
    std::shared_ptr<LogQueue> log;
    std::atomic<int64_t> now_ms = 0;
  };

  const Module module_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<Touched> touched_ = std::make_shared<Touched>();
  std::shared_ptr<Instance> instance_;
  // What is left where it lies when the engine goes away under other threads: made beforehand,
  // since then there may be no memory, and released to nobody.
  struct LeftAlone {
    std::shared_ptr<Store> store;
    std::shared_ptr<Touched> touched;
    std::shared_ptr<Instance> instance;
  };
  std::unique_ptr<LeftAlone> left_alone_ = std::make_unique<LeftAlone>();
  std::atomic<bool> usable_ = true;
  mutable std::atomic<uint32_t> visits_ = 0;  // threads in a call that takes the instance
  uint64_t max_body_bytes_ = 0;
  std::vector<mxd_route> routes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Wakeup> wakeup_;
  uint64_t key_ = 0;
  bool shutting_down_ = false;
  bool shut_down_ = false;
};

}  // namespace mxd::python
