#pragma once

#include <atomic>
#include <cstdint>

namespace mxd::async {

// Counts who is inside an instance, and says when the last one has left a closed one.
//
// Gates are never freed, only reused under a new generation, so that a token that names a request
// of an instance long gone can be told to be stale without touching freed memory.
// All functions: any thread, no lock.
class Gate {
 public:
  using Done = void (*)(uintptr_t cookie) noexcept;

  // A gate that nobody else uses, open. @throws std::bad_alloc
  static Gate& claim(void* instance);

  // What claim() was given. Only while inside.
  void* instance() const noexcept { return instance_; }
  uint32_t generation() const noexcept;

  // One more inside; false when closed.
  bool enter() noexcept;

  // One more inside an instance that may be closing, or gone and replaced: false unless somebody
  // of that generation is still to leave, or it is open.
  bool pin(uint32_t generation) noexcept;

  // One less. The last one to leave a closed gate calls `done`.
  void leave() noexcept;

  // Nobody enters any more; `done` is called once when the last has left, perhaps at once.
  // false if it was closed before.
  bool close(Done done, uintptr_t cookie) noexcept;

  // Nobody enters any more, and whoever is inside must not call out any more.
  //
  // There is one order of all that abandon() and Slot::abandon() do, and of what a thread inside
  // does before it calls out: either it sees the flag, or its slot is found and closed.
  void abandon() noexcept { word_.fetch_or(kAbandoned, std::memory_order_seq_cst); }
  bool abandoned() const noexcept {
    return (word_.load(std::memory_order_seq_cst) & kAbandoned) != 0;
  }

  // Gives the gate back. false while somebody is inside, or `done` is still to be called. An
  // abandoned gate that somebody is inside of is never given back, but counts as released.
  enum class Release { kBusy, kEmpty, kInUse };
  Release release() noexcept;

 private:
  static constexpr uint64_t kAbandoned = uint64_t{1} << 35;

  std::atomic<uint64_t> word_{0};  // generation, flags, count
  void* instance_ = nullptr;
  Done done_ = nullptr;
  uintptr_t done_cookie_ = 0;
  Gate* next_ = nullptr;  // all gates there ever were
};

}  // namespace mxd::async
