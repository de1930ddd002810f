#include "bindings/store/postgres/database.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>

#include "bindings/store/postgres/io_thread.h"

namespace mxd::store::postgres {
namespace {

constexpr size_t kConnectionsPerThread = 4;
constexpr std::chrono::seconds kConnecting{10};
constexpr Statement kAnything{"SELECT 1"};

// What one waits for who may block.
class Awaited {
 public:
  void answer(Database::Reply reply) {
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    is_there_ = true;
    arrived_.notify_one();  // under the lock: this object goes when it is over
  }

  Database::Reply wait() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return is_there_; });
    return std::move(reply_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  Database::Reply reply_;
  bool is_there_ = false;
};

class AwaitedAsk final : public Ask {
 public:
  AwaitedAsk(Kind kind, const Statement& statement, Parameters parameters, Awaited& awaited)
      : Ask(kind, statement, std::move(parameters)), awaited_(awaited) {}

  ~AwaitedAsk() override {
    if (!is_over()) AwaitedAsk::failed(MXD_NO_MEMORY);
  }

 private:
  void answered(Rows rows) override { awaited_.answer({{}, std::move(rows)}); }
  void failed(int32_t status) noexcept override { awaited_.answer({{status, {}}, Rows()}); }

  Awaited& awaited_;
};

std::string text_of(int32_t status, const std::string& trouble) {
  if (!trouble.empty()) return "the database can't be reached: " + trouble;
  switch (status) {
    case MXD_TIMEOUT:
      return "the database took too long: try again";
    case MXD_UNAVAILABLE:
      return "the database can't do it just now: try again, and see the log";
    default:
      return "the database failed: see the log, and try again";
  }
}

}  // namespace

Database::Database(Target target, const Log& log)
    : connector_(std::move(target.connection_string), target.prepares, log, *this) {
  const size_t connections = std::max<size_t>(target.connections, 1);
  const size_t threads = (connections + kConnectionsPerThread - 1) / kConnectionsPerThread;
  const std::lock_guard lock(threads_mutex_);
  for (size_t i = 0; i < threads; ++i) {
    const size_t share = connections / threads + (i < connections % threads ? 1 : 0);
    threads_.push_back(std::make_unique<IoThread>(share, target.prepares, connector_, log));
  }
}

Database::~Database() {
  connector_.stop();
  // All of them, before any goes: who is answered looks which of them it is on.
  for (const std::unique_ptr<IoThread>& thread : threads_)
    thread->stop();
}

void Database::out_of_reach(bool is_silent) noexcept {
  const std::lock_guard lock(threads_mutex_);
  try {
    for (const std::unique_ptr<IoThread>& thread : threads_)
      thread->out_of_reach(is_silent);
  } catch (const std::bad_alloc&) {
    // What waits fails by the clock.
  }
}

void Database::moved(Connector::Clock::time_point when) noexcept {
  const std::lock_guard lock(threads_mutex_);
  try {
    for (const std::unique_ptr<IoThread>& thread : threads_)
      thread->moved(when);
  } catch (const std::bad_alloc&) {
    // The next write that is refused says so again.
  }
}

void Database::submit(std::unique_ptr<Ask> ask) {
  for (const std::unique_ptr<IoThread>& thread : threads_) {
    if (thread->is_current()) return thread->submit(std::move(ask));  // nobody is to be woken
  }
  const size_t next = next_.fetch_add(1, std::memory_order_relaxed);
  threads_[next % threads_.size()]->submit(std::move(ask));
}

Database::Reply Database::run(Kind kind, const Statement& statement, Parameters parameters) {
  Awaited awaited;
  submit(std::make_unique<AwaitedAsk>(kind, statement, std::move(parameters), awaited));
  Reply reply = awaited.wait();
  if (!succeeded(reply.outcome.status)) {
    reply.outcome.text = text_of(reply.outcome.status, trouble());
  }
  return reply;
}

void Database::wait_until_connected() {
  const auto give_up = Ask::Clock::now() + kConnecting;
  while (!succeeded(run(Kind::kRead, kAnything, Parameters()).outcome.status)) {
    if (Ask::Clock::now() >= give_up) return;
  }
}

size_t Database::queued_writes() const noexcept {
  size_t count = 0;
  for (const std::unique_ptr<IoThread>& thread : threads_)
    count += thread->queued_writes();
  return count;
}

}  // namespace mxd::store::postgres
