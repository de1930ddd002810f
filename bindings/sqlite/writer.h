// The one thread that writes.
#ifndef MXD_BINDINGS_SQLITE_WRITER_H
#define MXD_BINDINGS_SQLITE_WRITER_H

#include <absl/functional/function_ref.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bindings/sqlite/log.h"
#include "bindings/sqlite/status.h"
#include "bindings/sqlite/write.h"

namespace mxd::sqlite {

// Takes everything that is queued, runs it in one transaction, each write in a savepoint of its
// own, commits, and finishes the writes after that: many writes share one synchronisation with the
// disk. All functions are [any-thread].
class Writer {
 public:
  // Opens the connection and starts the thread. Throws SQLite::Exception, std::system_error.
  Writer(const std::string& path, const Log& log);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Does what is queued, finishes it, and joins the thread.
  ~Writer();

  // Never blocks.
  void submit(std::unique_ptr<Write> write);

  // For what nobody waits for: it goes along with the next transaction, or makes one of its own
  // within kLinger.
  void submit_later(std::unique_ptr<Write> write);

  // Runs `change` as a write and waits for its commit. Not from the writer's own thread.
  Outcome run(absl::FunctionRef<Outcome(Connection&)> change);

 private:
  static constexpr std::chrono::milliseconds kLinger{100};

  struct Entry {
    std::unique_ptr<Write> write;
    int32_t status = MXD_UNAVAILABLE;
  };

  void loop();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void commit();
  void roll_back();
  void run_in_savepoint(Entry& entry);

  const Log& log_;
  Connection connection_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::vector<Entry> queue_;
  std::vector<Entry> later_;
  std::chrono::steady_clock::time_point later_since_;
  bool stopping_ = false;

  // The thread's own: what it has taken, in this order.
  std::vector<Entry> batch_;
  std::vector<Entry> later_batch_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_WRITER_H
