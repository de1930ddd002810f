// Threads for what blocks: passwords and commits. The queue before them is bounded.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <utility>

namespace mxd::server {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t capacity) : capacity_(capacity), pool_(threads) {}
  // Waits for the last job.
  void join() { pool_.join(); }

  // False, and `job` is dropped, if `capacity` jobs are waiting or running. [any-thread]
  template <typename Job>
  bool run(Job job) {
    if (open_.fetch_add(1, std::memory_order_relaxed) >= capacity_) {
      open_.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    boost::asio::post(pool_, [this, job = std::move(job)]() mutable {
      job();
      open_.fetch_sub(1, std::memory_order_relaxed);
    });
    return true;
  }

 private:
  const std::size_t capacity_;
  std::atomic<std::size_t> open_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace mxd::server
