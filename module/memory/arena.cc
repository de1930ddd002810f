#include "module/memory/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace mxd::memory {

void* Arena::allocate_in_new_block(size_t size, size_t alignment) {
  if (size > SIZE_MAX / 2) throw std::bad_alloc();
  const size_t room = std::max(kFirstBlock - sizeof(Block), size + alignment);
  auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + room));
  if (block == nullptr) throw std::bad_alloc();
  *block = {nullptr, room};
  if (first_ == nullptr && room == kFirstBlock - sizeof(Block)) {
    first_ = block;
  } else {
    block->next = others_;
    others_ = block;
  }
  enter(block);
  return allocate(size, alignment);
}

void Arena::enter(Block* block) noexcept {
  at_ = block == nullptr ? nullptr : reinterpret_cast<char*>(block + 1);
  end_ = block == nullptr ? nullptr : at_ + block->size;
}

void Arena::reset() noexcept {
  while (others_ != nullptr)
    std::free(std::exchange(others_, others_->next));
  enter(first_);
}

void Arena::release() noexcept {
  reset();
  std::free(std::exchange(first_, nullptr));
  enter(nullptr);
}

}  // namespace mxd::memory
