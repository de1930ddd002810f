#include "bindings/server/http/connection_memory.h"

#include <cstdint>
#include <cstdlib>
#include <new>

namespace mxd::server {
namespace {

// So large that malloc maps it by itself, and unmaps it when it is freed.
constexpr size_t kPieceBytes = 256 * 1024;

}  // namespace

// At a multiple of its size, so that a block's address tells its piece.
class alignas(std::max_align_t) ConnectionMemory::Piece : public Hook {
 public:
  // Throws std::bad_alloc.
  static Piece& make() {
    void* const memory = std::aligned_alloc(kPieceBytes, kPieceBytes);
    if (memory == nullptr) throw std::bad_alloc();
    return *new (memory) Piece;
  }

  static Piece& of(void* block) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(block);
    return *reinterpret_cast<Piece*>(address - address % kPieceBytes);
  }

  static void free(Piece& piece) noexcept {
    piece.~Piece();
    std::free(&piece);
  }

  bool has_room(size_t bytes) const { return free_ != nullptr || used_ + bytes <= kPieceBytes; }
  bool is_empty() const { return taken_ == 0; }

  // There must be room.
  void* take(size_t bytes) noexcept {
    ++taken_;
    if (free_ != nullptr) {
      void* const block = free_;
      free_ = free_->next;
      return block;
    }
    void* const block = reinterpret_cast<std::byte*>(this) + used_;
    used_ += bytes;
    return block;
  }

  void give_back(void* block) noexcept {
    free_ = new (block) Free{free_};
    --taken_;
  }

 private:
  struct Free {
    Free* next;
  };

  Free* free_ = nullptr;
  size_t used_ = sizeof(Piece);  // what is above has not been touched
  size_t taken_ = 0;
};

ConnectionMemory::~ConnectionMemory() {
  with_room_.clear_and_dispose([](Hook* piece) { Piece::free(static_cast<Piece&>(*piece)); });
}

void* ConnectionMemory::take(size_t bytes) {
  if (with_room_.empty()) {
    with_room_.push_front(Piece::make());
    ++pieces_;
  }
  auto& piece = static_cast<Piece&>(with_room_.front());
  void* const block = piece.take(bytes);
  if (!piece.has_room(bytes)) with_room_.pop_front();
  return block;
}

void ConnectionMemory::give_back(void* block) noexcept {
  Piece& piece = Piece::of(block);
  piece.give_back(block);
  if (!piece.is_linked()) with_room_.push_front(piece);
  // The last one stays, so that a single connection does not make and free it each time.
  const bool is_only_one = &with_room_.front() == &with_room_.back();
  if (!piece.is_empty() || is_only_one) return;
  with_room_.erase(with_room_.iterator_to(piece));
  Piece::free(piece);
  --pieces_;
}

}  // namespace mxd::server
