#include "bindings/store/sqlite/read_thread.h"

#include <utility>

namespace mxd::store::sqlite {

ReadThread::ReadThread(const std::string& path)
    : connection_(path, Connection::Mode::kRead), thread_([this] { loop(); }) {}

ReadThread::~ReadThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

bool ReadThread::submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxQueued) return false;
    queue_.push_back(std::move(work));
  }
  work_.notify_one();
  return true;
}

void ReadThread::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work(connection_);
    lock.lock();
  }
}

}  // namespace mxd::store::sqlite
