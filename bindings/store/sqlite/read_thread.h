// A thread for what takes too long to read on an event loop's.
#ifndef MXD_BINDINGS_STORE_SQLITE_READ_THREAD_H
#define MXD_BINDINGS_STORE_SQLITE_READ_THREAD_H

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "bindings/store/sqlite/connection.h"

namespace mxd::store::sqlite {

// One thread on one connection, which is not of the pool: those who read little never wait for it.
class ReadThread {
 public:
  using Work = std::function<void(Connection&)>;

  // Opens the connection. Throws SQLite::Exception, std::system_error.
  explicit ReadThread(const std::string& path);
  ReadThread(const ReadThread&) = delete;
  ReadThread& operator=(const ReadThread&) = delete;

  // Does what is queued, and joins the thread.
  ~ReadThread();

  // False, and nothing happens, when too much is queued already. `work` does not throw.
  // [any-thread] Throws std::bad_alloc.
  [[nodiscard]] bool submit(Work work);

 private:
  static constexpr size_t kMaxQueued = 256;

  void loop();

  Connection connection_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Work> queue_;
  bool stopping_ = false;
  std::thread thread_;  // the last, which uses the others
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_READ_THREAD_H
