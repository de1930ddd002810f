// Log lines on their way from any thread to Python's logging.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxd::python {

class LogQueue {
 public:
  struct Line {
    int32_t level;  // MXD_LOG_*
    std::string message;
  };

  void push(int32_t level, std::string_view message) {  // [any-thread]
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kCapacity) return;  // nobody takes them: the first ones tell most
    lines_.push_back({level, std::string(message)});
    filled_.store(true, std::memory_order_release);
  }

  bool empty() const noexcept { return !filled_.load(std::memory_order_acquire); }

  std::vector<Line> drain() {
    const std::lock_guard lock(mutex_);
    filled_.store(false, std::memory_order_release);
    return std::exchange(lines_, {});
  }

 private:
  static constexpr size_t kCapacity = 10'000;

  std::atomic<bool> filled_ = false;
  std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace mxd::python
