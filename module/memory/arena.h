#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mxd::memory {

// The memory of one request: coroutine frames, copies of the request, parsed JSON. Nothing is
// freed before reset(), and no destructor runs, so only trivially destructible things and those
// that somebody else destroys may live here.
//
// The first block is kept over reset(), so that a request that fits it allocates nothing.
// One thread at a time.
class Arena {
 public:
  static constexpr size_t kFirstBlock = 16 * 1024;  // bytes

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { release(); }

  // @throws std::bad_alloc
  void* allocate(size_t size, size_t alignment = alignof(std::max_align_t)) {
    const size_t padding = -reinterpret_cast<uintptr_t>(at_) % alignment;
    const auto room = static_cast<size_t>(end_ - at_);
    if (at_ == nullptr || padding > room || size > room - padding) {
      return allocate_in_new_block(size, alignment);
    }
    void* result = at_ + padding;
    at_ += padding + size;
    return result;
  }

  // @throws std::bad_alloc
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    auto* to = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  // @throws std::bad_alloc
  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  // Uninitialised room for `count` values.
  // @throws std::bad_alloc
  template <class T>
  T* make_array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
  }

  // Forgets everything, and keeps the first block.
  void reset() noexcept;

  bool holds_memory() const noexcept { return first_ != nullptr; }

  // Forgets everything, and frees all blocks.
  void release() noexcept;

 private:
  struct Block {
    Block* next;
    size_t size;  // of the room after this header
  };
  void* allocate_in_new_block(size_t size, size_t alignment);
  void enter(Block* block) noexcept;

  Block* first_ = nullptr;
  Block* others_ = nullptr;  // newest first
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace mxd::memory
