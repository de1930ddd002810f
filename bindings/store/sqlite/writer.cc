#include "bindings/store/sqlite/writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

namespace mxd::store::sqlite {
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

  AwaitedWrite(Waiting& waiting, bool may_use_reserve)
      : waiting_(waiting), may_use_reserve_(may_use_reserve) {}

  int32_t run(Connection& connection) override {
    waiting_.outcome = waiting_.change(connection);
    return waiting_.outcome.status;
  }

  bool may_use_reserve() const override { return may_use_reserve_; }

  void finish(int32_t status) noexcept override {
    const std::lock_guard lock(waiting_.mutex);
    if (waiting_.outcome.status != status) waiting_.outcome = Outcome{status, {}};
    waiting_.is_finished = true;
    waiting_.finished.notify_one();  // under the lock: the waiter then destroys it
  }

 private:
  Waiting& waiting_;
  const bool may_use_reserve_;
};

bool is_full_disk(const SQLite::Exception& error, sqlite3* database) {
  const int code = error.getErrorCode() & 0xff;
  if (code == SQLITE_FULL) return true;
  const int system = sqlite3_system_errno(database);
  return code == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
}

}  // namespace

Writer::Writer(const std::string& path, const Log& log)
    : log_(log),
      connection_(path, Connection::Mode::kWrite),
      reserve_(path, log),
      files_(connection_, log) {
  // The devices that a deletion is about; see deletion.cc.
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

void Writer::enqueue(Queue& queue, std::unique_ptr<Write> write) {
  bool is_first;
  {
    const std::lock_guard lock(mutex_);
    is_first = queue.entries.empty();
    if (is_first) queue.since = Clock::now();
    queue.entries.push_back({std::move(write)});
  }
  if (is_first) work_.notify_one();
}

size_t Writer::queued() {
  const std::lock_guard lock(mutex_);
  return queue_.entries.size();
}

void Writer::submit(std::unique_ptr<Write> write) {
  enqueue(queue_, std::move(write));
}

void Writer::submit_later(std::unique_ptr<Write> write) {
  enqueue(later_, std::move(write));
}

Outcome Writer::run(Change change) {
  return run(change, false, queue_);
}

Outcome Writer::run_with_reserve(Change change) {
  return run(change, true, queue_);
}

Outcome Writer::run_in_background(Change change) {
  return run(change, true, background_);
}

Outcome Writer::run(Change change, bool may_use_reserve, Queue& queue) {
  AwaitedWrite::Waiting waiting(change);
  enqueue(queue, std::make_unique<AwaitedWrite>(waiting, may_use_reserve));
  std::unique_lock lock(waiting.mutex);
  waiting.finished.wait(lock, [&] { return waiting.is_finished; });
  if (!succeeded(waiting.outcome.status) && waiting.outcome.text.empty()) {
    waiting.outcome.text = waiting.outcome.status == MXD_UNAVAILABLE
                               ? "the database can't be written now (locked, moved, or the disk is "
                                 "full): see the log"
                               : "the database could not be written: see the log";
  }
  return std::move(waiting.outcome);
}

std::optional<Writer::Clock::time_point> Writer::due() const {
  std::optional<Clock::time_point> due;
  if (!later_.entries.empty()) due = later_.since + kLinger;
  if (!background_.entries.empty()) due = std::min(due.value_or(kNever), background_due());
  return due;
}

Writer::Clock::time_point Writer::background_due() const {
  return std::min(idle_since_ + kIdle, background_.since + kPatience);
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (queue_.entries.empty() && !stopping_) {
    if (const std::optional<Clock::time_point> at = due()) {
      if (work_.wait_until(lock, *at) == std::cv_status::timeout) return;
    } else {
      work_.wait(lock);
    }
  }
}

void Writer::take_work() {
  if (stopping_ || Clock::now() >= background_due()) background_batch_.swap(background_.entries);
  batch_.swap(queue_.entries);
  later_batch_.swap(later_.entries);
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_work(lock);
    take_work();
    const bool is_idle = batch_.empty() && later_batch_.empty();
    if (is_idle && background_batch_.empty() && stopping_) return;
    lock.unlock();
    work_off({&batch_, &later_batch_});
    if (!is_idle) idle_since_ = Clock::now();
    work_off({&background_batch_});
    lock.lock();
  }
}

void Writer::work_off(std::initializer_list<std::vector<Entry>*> parts) {
  if (std::all_of(parts.begin(), parts.end(), [](const auto* part) { return part->empty(); })) {
    return;
  }
  commit(parts);
  for (std::vector<Entry>* part : parts) {
    for (Entry& entry : *part)
      entry.write->finish(entry.status);
    part->clear();
  }
}

void Writer::commit(std::initializer_list<std::vector<Entry>*> parts) {
  if (!files_.in_place()) return;  // O5; each is UNAVAILABLE until it is run
  const bool is_whole = !reserve_.is_spent();
  const bool is_full = try_commit(parts, is_whole ? Whose::kAll : Whose::kThoseWithReserve);
  if (is_full && is_whole && reserve_.release()) try_commit(parts, Whose::kThoseWithReserve);
}

// True if the disk is full, and a write that may use the reserve came to nothing for it.
bool Writer::try_commit(std::initializer_list<std::vector<Entry>*> parts, Whose whose) {
  const auto for_each = [&](auto&& work) {
    for (std::vector<Entry>* part : parts) {
      for (Entry& entry : *part) {
        if (whose == Whose::kAll || entry.write->may_use_reserve()) work(entry);
      }
    }
  };
  const auto fail = [&](const char* what, int32_t status) {
    log_.failure("nothing of a transaction was written", what);
    for_each([status](Entry& entry) { entry.status = status; });
  };
  bool is_full = false;
  try {
    // Left open where there was no memory to roll back with.
    if (connection_.in_transaction()) Query(connection_, "ROLLBACK").execute();
    Query(connection_, "BEGIN IMMEDIATE").execute();
    for_each([this](Entry& entry) { run_in_savepoint(entry); });
    Query(connection_, "COMMIT").execute();
    // It may have been moved since it was looked at, and the commit with it.
    if (!files_.in_place()) for_each([](Entry& entry) { entry.status = MXD_UNAVAILABLE; });
    return false;
  } catch (const SQLite::Exception& error) {
    is_full = is_full_disk(error, connection_.database().getHandle());
    fail(error.what(), status_of(error));
  } catch (const std::bad_alloc& error) {
    fail(error.what(), MXD_UNAVAILABLE);
  }
  roll_back();
  bool is_waited_for = false;
  for_each([&](const Entry& entry) { is_waited_for |= entry.write->may_use_reserve(); });
  return is_full && is_waited_for;
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
    if (!connection_.in_transaction() || is_full_disk(error, connection_.database().getHandle())) {
      throw;
    }
    log_.failure("a write was undone", error.what());
    entry.status = status_of(error);
  } catch (const std::bad_alloc& error) {
    log_.failure("a write was undone", error.what());
    entry.status = MXD_UNAVAILABLE;
  }
  if (!succeeded(entry.status)) Query(connection_, "ROLLBACK TO one_write").execute();
  Query(connection_, "RELEASE one_write").execute();
}

}  // namespace mxd::store::sqlite
