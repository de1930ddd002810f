// Something that happens once, and those who wait for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace mxd::server {

// What std::promise and std::future are for, without memory: a promise that is given up allocates,
// and ends the process where it cannot (O2). All functions are [any-thread].
class Event {
 public:
  void happen() noexcept {
    const std::lock_guard lock(mutex_);
    has_happened_ = true;
    changed_.notify_all();
  }

  bool has_happened() const noexcept {
    const std::lock_guard lock(mutex_);
    return has_happened_;
  }

  void wait() const noexcept {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_happened_; });
  }

  // False: it had not happened by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline) const noexcept {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [this] { return has_happened_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool has_happened_ = false;
};

}  // namespace mxd::server
