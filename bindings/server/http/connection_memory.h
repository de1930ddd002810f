// Where the connections of a loop lie.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>

namespace mxd::server {

// Blocks of one size, cut from large pieces of memory; a piece goes back to the system with the
// last connection in it. On the heap they would lie between what Asio keeps of each socket for
// good, and hardly a page of 10,000 of them would be free again. For one thread; must outlive its
// blocks.
class ConnectionMemory {
 public:
  ConnectionMemory() = default;
  ConnectionMemory(const ConnectionMemory&) = delete;
  ConnectionMemory& operator=(const ConnectionMemory&) = delete;
  ~ConnectionMemory();

  // `bytes`: the same each time. Throws std::bad_alloc.
  void* take(size_t bytes);
  void give_back(void* block) noexcept;

  // How many pieces there are.
  size_t pieces() const { return pieces_; }

 private:
  class Piece;
  struct Hook : boost::intrusive::list_base_hook<> {};

  boost::intrusive::list<Hook> with_room_;  // pieces
  size_t pieces_ = 0;
};

// Has std::allocate_shared() take its memory there.
template <class T>
class ConnectionAllocator {
 public:
  using value_type = T;

  explicit ConnectionAllocator(ConnectionMemory& memory) : memory_(&memory) {}
  template <class U>
  ConnectionAllocator(const ConnectionAllocator<U>& other) : memory_(&other.memory()) {}

  T* allocate(size_t count) { return static_cast<T*>(memory_->take(count * sizeof(T))); }
  void deallocate(T* block, size_t) noexcept { memory_->give_back(block); }

  ConnectionMemory& memory() const { return *memory_; }
  bool operator==(const ConnectionAllocator&) const = default;

 private:
  ConnectionMemory* memory_;
};

}  // namespace mxd::server
