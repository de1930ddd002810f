#include "bindings/sqlite/writer.h"

#include <initializer_list>
#include <new>
#include <utility>

namespace mxd::sqlite {
namespace {

// A write whose submitter waits for it, and owns what it refers to.
class AwaitedWrite : public Write {
 public:
  struct Waiting {
    explicit Waiting(absl::FunctionRef<Outcome(Connection&)> made) : change(made) {}

    absl::FunctionRef<Outcome(Connection&)> change;
    std::mutex mutex;
    std::condition_variable finished;
    bool is_finished = false;
    Outcome outcome;
  };

  explicit AwaitedWrite(Waiting& waiting) : waiting_(waiting) {}

  int32_t run(Connection& connection) override {
    waiting_.outcome = waiting_.change(connection);
    return waiting_.outcome.status;
  }

  void finish(int32_t status) noexcept override {
    const std::lock_guard lock(waiting_.mutex);
    if (waiting_.outcome.status != status) waiting_.outcome = Outcome{status, {}};
    waiting_.is_finished = true;
    waiting_.finished.notify_one();  // under the lock: the waiter then destroys it
  }

 private:
  Waiting& waiting_;
};

}  // namespace

Writer::Writer(const std::string& path, const Log& log)
    : log_(log), connection_(path, Connection::Mode::kWrite) {
  // The devices that a deletion is about; see devices.cc.
  connection_.database().exec("CREATE TEMP TABLE doomed (device INTEGER PRIMARY KEY)");
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void Writer::submit(std::unique_ptr<Write> write) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(write)});
  }
  work_.notify_one();
}

void Writer::submit_later(std::unique_ptr<Write> write) {
  bool is_first;
  {
    const std::lock_guard lock(mutex_);
    is_first = later_.empty();
    if (is_first) later_since_ = std::chrono::steady_clock::now();
    later_.push_back({std::move(write)});
  }
  if (is_first) work_.notify_one();
}

Outcome Writer::run(absl::FunctionRef<Outcome(Connection&)> change) {
  AwaitedWrite::Waiting waiting(change);
  submit(std::make_unique<AwaitedWrite>(waiting));
  std::unique_lock lock(waiting.mutex);
  waiting.finished.wait(lock, [&] { return waiting.is_finished; });
  if (!succeeded(waiting.outcome.status) && waiting.outcome.text.empty()) {
    waiting.outcome.text = waiting.outcome.status == MXD_UNAVAILABLE
                               ? "the database can't be written now (locked, or the disk is full)"
                               : "the database could not be written: see the log";
  }
  return std::move(waiting.outcome);
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (queue_.empty() && !stopping_) {
    if (later_.empty()) {
      work_.wait(lock);
    } else if (work_.wait_until(lock, later_since_ + kLinger) == std::cv_status::timeout) {
      return;
    }
  }
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_work(lock);
    batch_.swap(queue_);
    later_batch_.swap(later_);
    if (batch_.empty() && later_batch_.empty()) return;
    lock.unlock();
    commit();
    for (std::vector<Entry>* part : {&batch_, &later_batch_}) {
      for (Entry& entry : *part)
        entry.write->finish(entry.status);
      part->clear();
    }
    lock.lock();
  }
}

void Writer::commit() {
  const auto fail = [this](const char* what, int32_t status) {
    log_.failure("nothing of a transaction was written", what);
    for (Entry& entry : batch_)
      entry.status = status;
    for (Entry& entry : later_batch_)
      entry.status = status;
  };
  try {
    // Left open where there was no memory to roll back with.
    if (connection_.in_transaction()) Query(connection_, "ROLLBACK").execute();
    Query(connection_, "BEGIN IMMEDIATE").execute();
    for (Entry& entry : batch_)
      run_in_savepoint(entry);
    for (Entry& entry : later_batch_)
      run_in_savepoint(entry);
    Query(connection_, "COMMIT").execute();
    return;
  } catch (const SQLite::Exception& error) {
    fail(error.what(), status_of(error));
  } catch (const std::bad_alloc& error) {
    fail(error.what(), MXD_UNAVAILABLE);
  }
  roll_back();
}

void Writer::roll_back() {
  if (!connection_.in_transaction()) return;
  try {
    Query(connection_, "ROLLBACK").execute();
  } catch (const std::exception& error) {  // no memory: the next transaction begins with it
    log_.failure("a transaction can't be rolled back now", error.what());
  }
}

void Writer::run_in_savepoint(Entry& entry) {
  Query(connection_, "SAVEPOINT one_write").execute();
  try {
    entry.status = entry.write->run(connection_);
  } catch (const SQLite::Exception& error) {
    // Some failures make SQLite give up the whole transaction, not only this savepoint.
    if (!connection_.in_transaction()) throw;
    log_.failure("a write was undone", error.what());
    entry.status = status_of(error);
  } catch (const std::bad_alloc& error) {
    log_.failure("a write was undone", error.what());
    entry.status = MXD_UNAVAILABLE;
  }
  if (!succeeded(entry.status)) Query(connection_, "ROLLBACK TO one_write").execute();
  Query(connection_, "RELEASE one_write").execute();
}

}  // namespace mxd::sqlite
