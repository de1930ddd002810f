#include "bindings/store/sqlite/read_pool.h"

#include <utility>

namespace mxd::store::sqlite {

ReadPool::ReadPool(const std::string& path, size_t connections) {
  idle_.reserve(connections);
  while (idle_.size() < connections) {
    idle_.push_back(std::make_unique<Connection>(path, Connection::Mode::kRead));
  }
}

std::unique_ptr<Connection> ReadPool::take() {
  std::unique_lock lock(mutex_);
  given_back_.wait(lock, [this] { return !idle_.empty(); });
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void ReadPool::give_back(std::unique_ptr<Connection> connection) noexcept {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));  // room was reserved
  }
  given_back_.notify_one();
}

}  // namespace mxd::store::sqlite
