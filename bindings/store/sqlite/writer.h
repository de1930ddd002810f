// The one thread that writes.
#ifndef MXD_BINDINGS_STORE_SQLITE_WRITER_H
#define MXD_BINDINGS_STORE_SQLITE_WRITER_H

#include <absl/functional/function_ref.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bindings/store/common/log.h"
#include "bindings/store/sqlite/file_guard.h"
#include "bindings/store/sqlite/group_commit.h"
#include "bindings/store/sqlite/memory.h"
#include "bindings/store/sqlite/reserve.h"
#include "bindings/store/sqlite/status.h"
#include "bindings/store/sqlite/write.h"

namespace mxd::store::sqlite {

// Takes everything that is queued, runs it in one transaction with what comes in meanwhile,
// commits, and finishes the writes after that: many writes share one synchronisation with the disk,
// and one that fails takes no other with it. All functions are [any-thread].
class Writer {
 public:
  // Opens the connection and starts the thread. All but the path must outlive it. Throws
  // SQLite::Exception, std::system_error.
  Writer(const std::string& path, const Log& log, const AccountKey& account_key, Memory& memory);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Does what is queued, finishes it, and joins the thread.
  ~Writer();

  // Never blocks.
  void submit(std::unique_ptr<Write> write);

  // For what nobody waits for: it goes along with the next transaction, or makes one of its own
  // within kLinger.
  void submit_later(std::unique_ptr<Write> write);

  // How many wait for the next transaction.
  size_t queued();

  using Change = absl::FunctionRef<Outcome(WriteConnection&)>;

  // Runs `change` as a write and waits for its commit. Not from the writer's own thread.
  Outcome run(Change change);

  // The same for what is part of a deletion, or of going on to read: on a full disk too.
  Outcome run_with_reserve(Change change);

  // The same for what has time: in a transaction of its own, once there was no write for kIdle, or
  // after kPatience.
  Outcome run_in_background(Change change);

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kLinger{100};
  static constexpr std::chrono::milliseconds kIdle{20};
  static constexpr std::chrono::milliseconds kPatience{300};
  // How long a transaction is held open for what comes in while it runs.
  static constexpr std::chrono::milliseconds kJoining{5};
  static constexpr auto kNever = Clock::time_point::max();

  struct Entry {
    std::unique_ptr<Write> write;
    int32_t status = MXD_UNAVAILABLE;
  };

  // Lists, since they are joined without memory.
  using Batch = std::list<Entry>;

  // What waits, since when its first does, and how many of them the thread is woken for.
  struct Queue {
    Batch entries;
    Clock::time_point since{};
    size_t wakes_at = 1;
  };

  // What one transaction is about.
  enum class Whose { kAll, kThoseWithReserve };

  Outcome run(Change change, bool may_use_reserve, Queue& queue);
  void enqueue(Queue& queue, std::unique_ptr<Write> write);
  void loop();
  std::optional<Clock::time_point> due() const;
  Clock::time_point background_due() const;
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void take_work();
  // `more`: what comes in there meanwhile goes along; null: nothing does.
  void work_off(Batch& batch, Queue* more);
  void commit(Batch& batch, Queue* more);
  bool try_commit(Batch& batch, Queue* more, Whose whose);
  int64_t data_version();
  void carry(const WalIndex::Mark& before) noexcept;
  static bool is_of(const Entry& entry, Whose whose);
  void begin();
  void roll_back();
  void run_all(Batch& batch, Queue* more, Whose whose);
  Batch::iterator join(Batch& batch, Queue& more, Clock::time_point patient_until);
  void run_apart(Entry& entry);
  int32_t attempt(Write& write);

  const Log& log_;
  Memory& memory_;
  WriteConnection connection_;
  Reserve reserve_;
  FileGuard files_;

  std::mutex mutex_;
  std::condition_variable work_;
  Queue queue_;
  Queue later_;
  Queue background_;
  bool stopping_ = false;

  // The thread's own: what it has taken, in this order.
  Batch batch_;
  Batch background_batch_;
  GroupCommit group_;
  bool is_begun_anew_ = false;  // the transaction, in which nothing was written yet
  int64_t data_version_;
  Clock::time_point idle_since_{};

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_WRITER_H
