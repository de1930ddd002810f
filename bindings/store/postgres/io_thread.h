// A thread with some of the connections.
#ifndef MXD_BINDINGS_STORE_POSTGRES_IO_THREAD_H
#define MXD_BINDINGS_STORE_POSTGRES_IO_THREAD_H

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "bindings/store/common/log.h"
#include "bindings/store/postgres/ask.h"
#include "bindings/store/postgres/connector.h"
#include "bindings/store/postgres/pipeline.h"

namespace mxd::store::postgres {

// Half of its connections, or one, are for writes: a batch that waits for its commit is in nobody's
// way. On such a one a batch is on the way at a time, and what comes meanwhile makes the next: so
// many writes share one commit, and more do the longer that takes. Reads are sent at once.
class IoThread final : private Pipeline::Again {
 public:
  using Clock = Ask::Clock;

  // What waits for a connection fails after this.
  static constexpr std::chrono::milliseconds kPatience{700};

  // `connections` > 0. The connector outlives the thread. Throws std::system_error.
  IoThread(size_t connections, bool prepares, Connector& connector, const Log& log);
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  ~IoThread() { stop(); }

  // Answers what is open, and what that asks in its turn, and joins the thread.
  void stop();

  // The following are [any-thread].

  // UNAVAILABLE, on the calling thread, where too much is open already.
  void submit(std::unique_ptr<Ask> ask) noexcept;

  // See Connector::Listener. Throws std::bad_alloc.
  void out_of_reach(bool is_silent);
  void moved(Clock::time_point when);

  size_t queued_writes() const noexcept { return writes_open_.load(std::memory_order_relaxed); }

  // Whether the calling thread is this one.
  bool is_current() const noexcept {
    return id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

 private:
  static constexpr size_t kMaxOpen = 16384;
  static constexpr size_t kMaxBatch = 256;
  static constexpr std::chrono::milliseconds kTick{100};
  static constexpr std::chrono::milliseconds kSilence{300};  // then it is looked for
  static constexpr std::chrono::seconds kLongestRead{10};    // then the connection is given up
  static constexpr std::chrono::seconds kLongestWrite{120};

  // A connection, or the place of one that is being made.
  struct Slot {
    Slot(boost::asio::io_context& context, bool writes) : is_for_writes(writes), socket(context) {}
    ~Slot() { socket.release(); }  // it is libpq's

    const bool is_for_writes;
    std::unique_ptr<Pipeline> pipeline;
    boost::asio::posix::stream_descriptor socket;
    bool is_watched_for_writing = false;
  };
  using Queue = std::deque<std::unique_ptr<Ask>>;

  void ask_again(std::unique_ptr<Ask> ask) noexcept override;
  void run();
  void make(Slot& slot);
  void use(Slot& slot, PgConnection connection);
  void take_in();
  void send();
  Slot* best(bool for_writes);
  Pipeline::Batch next_writes();
  void send_to(Slot& slot, Pipeline::Batch batch);
  void wait_to_read(Slot& slot);
  void wait_to_write(Slot& slot);
  void lose(Slot& slot);
  void tick();
  void look_at(Slot& slot, Clock::time_point now);
  void fail_waiting(Clock::time_point taken_before);
  bool is_idle() const;
  void end_if_done();

  const bool prepares_;
  Connector& connector_;
  const Log& log_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer clock_;

  std::atomic<std::thread::id> id_{};
  std::mutex mutex_;
  Queue incoming_;
  std::atomic<size_t> open_{0};         // asks that were taken and not answered
  std::atomic<size_t> writes_open_{0};  // of these, the writes

  // The thread's own.
  std::vector<std::unique_ptr<Slot>> slots_;
  Queue reads_;
  Queue writes_;
  Queue unawaited_;
  bool is_ticking_ = false;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_IO_THREAD_H
