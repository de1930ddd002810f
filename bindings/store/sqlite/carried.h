// Which commits leave standing what was read before them.
#ifndef MXD_BINDINGS_STORE_SQLITE_CARRIED_H
#define MXD_BINDINGS_STORE_SQLITE_CARRIED_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "bindings/store/sqlite/wal_index.h"

namespace mxd::store::sqlite {

// The last of the heads that follow one on the other by commits of this process's writer alone, of
// which each has forgotten what it changed; and the first of them. What was read at any of them,
// and is not forgotten, holds at the last.
class Carried {
 public:
  using Mark = WalIndex::Mark;

  // The first of those that lead to this head; itself, if none does. [any-thread]
  Mark since(const Mark& head) const noexcept {
    const uint64_t turn = turn_.load(std::memory_order_acquire);
    if (turn % 2 != 0 || load(last_) != head) return head;
    const Mark first = load(first_);
    return turn_.load(std::memory_order_relaxed) == turn ? first : head;
  }

  // The writer's commit led from one to the other, and what it changed is forgotten.
  void carry(const Mark& from, const Mark& to) noexcept {
    const uint64_t turn = turn_.load(std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_relaxed);  // odd: it is being changed
    if (load(last_) != from) store(first_, from);
    store(last_, to);
    turn_.store(turn + 2, std::memory_order_release);
  }

 private:
  using Words = std::array<std::atomic<uint64_t>, std::tuple_size_v<decltype(Mark::head)>>;

  // Acquire and release: who sees one new word sees the turn that was odd before it.
  static Mark load(const Words& words) noexcept {
    Mark mark;
    for (size_t i = 0; i < words.size(); ++i)
      mark.head[i] = words[i].load(std::memory_order_acquire);
    return mark;
  }
  static void store(Words& words, const Mark& mark) noexcept {
    for (size_t i = 0; i < words.size(); ++i)
      words[i].store(mark.head[i], std::memory_order_release);
  }

  std::atomic<uint64_t> turn_{0};
  Words first_{};
  Words last_{};  // zeros: no head has them
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_CARRIED_H
