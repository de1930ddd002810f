// Threads for what blocks: passwords and commits. The queue before them is bounded.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace mxd::server {

class Workers {
 public:
  using Clock = std::chrono::steady_clock;

  // Throws std::bad_alloc, std::system_error: there is no thread then.
  Workers(size_t threads, size_t capacity);
  // Waits for jobs that run, and drops the others.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Jobs that have not begun by then are to give up. [any-thread]
  void close_at(Clock::time_point time) { closes_at_.store(time, std::memory_order_relaxed); }
  bool is_closed() const { return Clock::now() >= closes_at_.load(std::memory_order_relaxed); }
  // Waits for the last job.
  void join();

  // False, and `job` is dropped, if `capacity` jobs are waiting or running. It throws nothing when
  // it runs: there is nobody to catch it. [any-thread] @throws std::bad_alloc, and drops `job`
  template <typename Job>
  bool run(Job job) {
    Place place(open_);
    if (place.before() >= capacity_) return false;
    // Where it stays: Asio moves what it is given, and a job that holds constants is copied then.
    auto kept = std::make_unique<Job>(std::move(job));
    boost::asio::post(jobs_,
                      [place = std::move(place), kept = std::move(kept)]() noexcept { (*kept)(); });
    return true;
  }

  // Jobs that wait or run. [any-thread]
  size_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  // Counts a job, until it is destroyed with it.
  class Place {
   public:
    explicit Place(std::atomic<size_t>& open)
        : open_(&open), before_(open.fetch_add(1, std::memory_order_relaxed)) {}
    Place(Place&& other) noexcept
        : open_(std::exchange(other.open_, nullptr)), before_(other.before_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (open_ != nullptr) open_->fetch_sub(1, std::memory_order_relaxed);
    }
    size_t before() const { return before_; }

   private:
    std::atomic<size_t>* open_;
    size_t before_;
  };

  const size_t capacity_;
  std::atomic<size_t> open_ = 0;
  std::atomic<Clock::time_point> closes_at_ = Clock::time_point::max();
  // Not a boost::asio::thread_pool, which waits for ever where it can't start all its threads.
  boost::asio::io_context jobs_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_may_come_;
  std::vector<std::thread> threads_;
};

}  // namespace mxd::server
