// Something that a SIGHUP replaces as a whole while others read it. accounts.md, O1a
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace mxd::server {

// Who needs two members that belong together takes a reference once.
template <class Value>
class Current {
 public:
  explicit Current(Value value) { replace(std::move(value)); }

  // Good as long as this lives, also when it has been replaced. Takes no lock. [any-thread]
  const Value& get() const { return *current_.load(std::memory_order_acquire); }
  const Value* operator->() const { return &get(); }

  // Nothing happens if the values are equal. [any-thread]
  void replace(Value value) {
    const std::lock_guard lock(replacing_);
    if (!all_.empty() && get() == value) return;
    all_.push_back(std::make_unique<const Value>(std::move(value)));
    current_.store(all_.back().get(), std::memory_order_release);
  }

 private:
  std::atomic<const Value*> current_ = nullptr;
  std::mutex replacing_;
  std::vector<std::unique_ptr<const Value>> all_;  // old ones are for those who still read them
};

}  // namespace mxd::server
