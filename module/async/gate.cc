#include "module/async/gate.h"

namespace mxd::async {
namespace {

constexpr uint64_t kCount = 0xFFFF'FFFF;
constexpr uint64_t kClaimed = uint64_t{1} << 32;
constexpr uint64_t kClosing = uint64_t{1} << 36;  // close() has begun
constexpr uint64_t kClosed = uint64_t{1} << 33;
constexpr uint64_t kDoneCalled = uint64_t{1} << 34;
constexpr int kGenerationShift = 40;
constexpr uint64_t kGenerationMask = ~uint64_t{0} << kGenerationShift;

constinit std::atomic<Gate*> all_gates{nullptr};

uint32_t generation_of(uint64_t word) {
  return static_cast<uint32_t>(word >> kGenerationShift);
}

uint64_t next_generation(uint64_t word) {
  return (word & kGenerationMask) + (uint64_t{1} << kGenerationShift);
}

}  // namespace

Gate& Gate::claim(void* instance) {
  for (Gate* gate = all_gates.load(std::memory_order_acquire); gate; gate = gate->next_) {
    auto word = gate->word_.load(std::memory_order_acquire);
    if ((word & ~kGenerationMask) != 0) continue;
    // Closed until it is set up: a pin of an older generation fails on the generation.
    if (!gate->word_.compare_exchange_strong(
            word, next_generation(word) | kClaimed | kClosed | kDoneCalled)) {
      continue;
    }
    gate->instance_ = instance;
    gate->word_.store(next_generation(word) | kClaimed, std::memory_order_release);
    return *gate;
  }
  auto* gate = new Gate;
  gate->instance_ = instance;
  gate->word_.store(next_generation(0) | kClaimed, std::memory_order_relaxed);
  gate->next_ = all_gates.load(std::memory_order_relaxed);
  while (!all_gates.compare_exchange_weak(gate->next_, gate, std::memory_order_acq_rel)) {
  }
  return *gate;
}

uint32_t Gate::generation() const noexcept {
  return generation_of(word_.load(std::memory_order_relaxed));
}

bool Gate::enter() noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & (kClosed | kAbandoned)) != 0 || (word & kCount) == kCount) return false;
  } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel));
  return true;
}

bool Gate::pin(uint32_t generation) noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  do {
    if (generation_of(word) != generation || (word & kClaimed) == 0) return false;
    if ((word & (kAbandoned | kDoneCalled)) != 0) return false;
    if ((word & kClosed) != 0 && (word & kCount) == 0) return false;
  } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel));
  return true;
}

void Gate::leave() noexcept {
  auto word = word_.fetch_sub(1, std::memory_order_acq_rel) - 1;
  // What is called is read first: once kDoneCalled is set, another thread may reuse the gate.
  if ((word & kClosed) == 0 || (word & (kCount | kDoneCalled | kAbandoned)) != 0) return;
  const Done done = done_;
  const uintptr_t cookie = done_cookie_;
  if (word_.compare_exchange_strong(word, word | kDoneCalled, std::memory_order_acq_rel)) {
    done(cookie);
  }
}

bool Gate::close(Done done, uintptr_t cookie) noexcept {
  // Inside while the two fields are written, so that `done` can't be called before.
  if (!enter()) return false;
  auto word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & (kClosed | kClosing | kAbandoned)) != 0) {
      leave();
      return false;
    }
  } while (!word_.compare_exchange_weak(word, word | kClosing, std::memory_order_acq_rel));
  done_ = done;
  done_cookie_ = cookie;
  word_.fetch_or(kClosed, std::memory_order_release);
  leave();
  return true;
}

Gate::Release Gate::release() noexcept {
  auto word = word_.load(std::memory_order_acquire);
  do {
    if ((word & kAbandoned) != 0) {
      if ((word & kCount) != 0) return Release::kInUse;
    } else if ((word & kCount) != 0 || (word & (kClosed | kDoneCalled)) == kClosed) {
      return Release::kBusy;
    }
  } while (!word_.compare_exchange_weak(word, word & kGenerationMask, std::memory_order_acq_rel));
  return Release::kEmpty;
}

}  // namespace mxd::async
