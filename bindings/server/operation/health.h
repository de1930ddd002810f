// GET /health: whether the store answers and can write. accounts.md, O9
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bindings/server/http/http_message.h"
#include "bindings/server/store.h"

namespace mxd::server {

// The store is asked when somebody asks, and once a second at most. It may stand still, so one
// thread asks it, and another one answers meanwhile.
class Health {
 public:
  // The store must outlive it.
  explicit Health(const Store& store);
  // Waits for the store, if it is being asked.
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // False: the path is another. Otherwise it has been answered, or will be within seconds: 200, or
  // 503 with the reason. [any-thread]
  bool serve(Exchange& exchange);

 private:
  using Clock = std::chrono::steady_clock;

  void end();
  void answer_until_ended();
  void ask_until_ended();
  bool is_fresh() const;

  const Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  bool is_wanted_ = false;  // the store is to be asked, or is being asked
  Clock::time_point asked_at_;
  Clock::time_point known_at_ = Clock::time_point::min();
  std::string reason_;  // empty: it works
  std::vector<Exchange*> waiting_;
  std::thread asking_;
  std::thread answering_;
};

}  // namespace mxd::server
