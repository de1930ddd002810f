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
    explicit Waiting(Writer::Change made) : change(made) {}

    Writer::Change change;
    std::mutex mutex;
    std::condition_variable finished;
    bool is_finished = false;
    Outcome outcome;
  };

  AwaitedWrite(Waiting& waiting, bool may_use_reserve)
      : waiting_(waiting), may_use_reserve_(may_use_reserve) {}

  int32_t run(WriteConnection& connection) override {
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

constexpr const char* kNothingWritten = "nothing of a transaction was written";

bool is_full_disk(const SQLite::Exception& error, sqlite3* database) {
  const int code = error.getErrorCode() & 0xff;
  if (code == SQLITE_FULL) return true;
  const int system = sqlite3_system_errno(database);
  return code == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
}

}  // namespace

Writer::Writer(const std::string& path, const Log& log, const AccountKey& account_key,
               Memory& memory)
    : log_(log),
      memory_(memory),
      connection_(path, account_key),
      reserve_(path, log),
      files_(connection_, log) {
  // The devices that a deletion is about; see deletion.cc.
  connection_.database().exec("CREATE TEMP TABLE doomed (device INTEGER PRIMARY KEY)");
  data_version_ = data_version();
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
  Batch one;
  one.push_back({std::move(write)});
  bool wakes;
  {
    const std::lock_guard lock(mutex_);
    if (queue.entries.empty()) queue.since = Clock::now();
    queue.entries.splice(queue.entries.end(), one);
    wakes = queue.entries.size() == queue.wakes_at;
  }
  if (wakes) work_.notify_one();
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
  batch_.splice(batch_.end(), later_.entries);
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_work(lock);
    take_work();
    const bool is_idle = batch_.empty();
    if (is_idle && background_batch_.empty() && stopping_) return;
    lock.unlock();
    work_off(batch_, &queue_);
    if (!is_idle) idle_since_ = Clock::now();
    work_off(background_batch_, nullptr);
    lock.lock();
  }
}

void Writer::work_off(Batch& batch, Queue* more) {
  if (batch.empty()) return;
  commit(batch, more);
  for (Entry& entry : batch)
    entry.write->finish(entry.status);
  batch.clear();
}

void Writer::commit(Batch& batch, Queue* more) {
  if (!files_.in_place()) return;  // O5; each is UNAVAILABLE until it is run
  const bool is_whole = !reserve_.is_spent();
  const bool is_full = try_commit(batch, more, is_whole ? Whose::kAll : Whose::kThoseWithReserve);
  if (is_full && is_whole && reserve_.release()) try_commit(batch, more, Whose::kThoseWithReserve);
}

// True if the disk is full, and a write that may use the reserve came to nothing for it.
bool Writer::try_commit(Batch& batch, Queue* more, Whose whose) {
  const auto set_all = [&](int32_t status) {
    for (Entry& entry : batch) {
      if (is_of(entry, whose)) entry.status = status;
    }
  };
  bool is_full = false;
  try {
    // Left open where there was no memory to roll back with.
    if (connection_.in_transaction()) Query(connection_, "ROLLBACK").execute();
    begin();
    run_all(batch, more, whose);
    const WalIndex::Mark before = memory_.head();  // nobody else commits from BEGIN to COMMIT
    const auto began = Clock::now();
    Query(connection_, "COMMIT").execute();
    carry(before);
    if (more != nullptr) group_.note(batch.size(), Clock::now() - began, queued());
    // It may have been moved since it was looked at, and the commit with it.
    if (!files_.in_place()) set_all(MXD_UNAVAILABLE);
    return false;
  } catch (const SQLite::Exception& error) {
    is_full = is_full_disk(error, connection_.database().getHandle());
    log_.failure(kNothingWritten, error.what());
    set_all(status_of(error));
  } catch (const std::bad_alloc& error) {
    log_.failure(kNothingWritten, error.what());
    set_all(MXD_UNAVAILABLE);
  }
  roll_back();
  return is_full && std::any_of(batch.begin(), batch.end(),
                                [](const Entry& entry) { return entry.write->may_use_reserve(); });
}

// Changes with what another connection commits, and by that alone.
int64_t Writer::data_version() {
  Query row(connection_, "PRAGMA data_version");
  return row.next() ? row.integer(0) : 0;
}

// The head is looked at, and then it is asked whether anybody else has committed. SQLite compares
// the whole head that this commit left with the one that stands when it is asked; heads do not come
// back, so if nobody has, that one stood when it was looked at. Of a commit of another process
//   - before BEGIN, the data version tells;
//   - from BEGIN to the end of COMMIT, there is none;
//   - before the question, the data version tells again, whichever head was looked at;
//   - after it, the head is another than the one that is carried to, whenever that is written down.
// Nothing is finished before this is over: by then whoever has the answer finds it forgotten.
void Writer::carry(const WalIndex::Mark& before) noexcept {
  if (connection_.concerned().everybody) return;
  const WalIndex::Mark after = memory_.head();
  if (after == before) return;
  try {
    const int64_t version = data_version();
    if (std::exchange(data_version_, version) != version) return;
  } catch (const std::exception& error) {
    log_.failure("all that is remembered is forgotten", error.what());
    return;
  }
  memory_.carry(before, after, connection_.concerned());
}

bool Writer::is_of(const Entry& entry, Whose whose) {
  return whose == Whose::kAll || entry.write->may_use_reserve();
}

void Writer::begin() {
  Query(connection_, "BEGIN IMMEDIATE").execute();
  connection_.begin_transaction();
  is_begun_anew_ = true;
}

void Writer::roll_back() {
  if (!connection_.in_transaction()) return;
  try {
    Query(connection_, "ROLLBACK").execute();
  } catch (const std::exception& error) {  // no memory: the next transaction begins with it
    log_.failure("a transaction can't be rolled back now", error.what());
  }
}

void Writer::run_all(Batch& batch, Queue* more, Whose whose) {
  std::optional<Clock::time_point> began_joining;
  for (auto next = batch.begin(); next != batch.end();) {
    for (; next != batch.end(); ++next) {
      if (is_of(*next, whose)) run_apart(*next);
    }
    if (more == nullptr) return;
    const auto now = Clock::now();
    if (!began_joining) began_joining = now;
    if (now < *began_joining + kJoining) {
      next = join(batch, *more, *began_joining + group_.patience());
    }
  }
}

// The first of those that have joined the batch.
Writer::Batch::iterator Writer::join(Batch& batch, Queue& more, Clock::time_point patient_until) {
  std::unique_lock lock(mutex_);
  more.wakes_at = std::max<size_t>(1, group_.missing(batch.size()));
  if (group_.missing(batch.size()) != 0) {
    work_.wait_until(lock, patient_until,
                     [&] { return stopping_ || more.entries.size() >= more.wakes_at; });
  }
  more.wakes_at = 1;
  if (more.entries.empty()) return batch.end();
  const auto first = more.entries.begin();
  batch.splice(batch.end(), more.entries);
  return first;
}

// Where it fails, it undoes itself and nothing else: with a savepoint where something else was
// written before it, and where SQLite does not do that of its own accord.
void Writer::run_apart(Entry& entry) {
  const bool is_undone = entry.write->is_one_statement();
  const bool has_savepoint = !is_undone && !is_begun_anew_;
  if (has_savepoint) Query(connection_, "SAVEPOINT one_write").execute();
  entry.status = attempt(*entry.write);
  const bool has_failed = !succeeded(entry.status);
  if (has_savepoint) {
    if (has_failed) Query(connection_, "ROLLBACK TO one_write").execute();
    Query(connection_, "RELEASE one_write").execute();
  } else if (has_failed && !is_undone) {
    Query(connection_, "ROLLBACK").execute();
    begin();
  }
  if (!has_failed) is_begun_anew_ = false;
}

int32_t Writer::attempt(Write& write) {
  try {
    connection_.begin_write();
    const int32_t status = write.run(connection_);
    if (succeeded(status)) connection_.end_write();
    return status;
  } catch (const SQLite::Exception& error) {
    // Some failures make SQLite give up the whole transaction, not only this write.
    if (!connection_.in_transaction() || is_full_disk(error, connection_.database().getHandle())) {
      throw;
    }
    log_.failure("a write was undone", error.what());
    return status_of(error);
  } catch (const std::bad_alloc& error) {
    log_.failure("a write was undone", error.what());
    return MXD_UNAVAILABLE;
  }
}

}  // namespace mxd::store::sqlite
