#include "module/async/slot.h"

#include <bit>
#include <memory>

namespace mxd::async {
namespace {

// ---- The words ----

constexpr int kIndexBits = 24;
constexpr uint64_t kIndexMask = (uint64_t{1} << kIndexBits) - 1;
constexpr uint64_t kLastGeneration = (uint64_t{1} << 40) - 1;
// Operations in one request are few: a slot this near to the end is not given out again.
constexpr uint64_t kRetiredGeneration = kLastGeneration - 1'000'000;

constexpr uint64_t kAbandonedWord = kLastGeneration << kIndexBits;

constexpr uint64_t generation_of(uint64_t word) {
  return word >> kIndexBits;
}

// Operation word: generation | status (16 bits) | flags (5) | phase (3).
constexpr uint64_t kPhase = 7;
constexpr uint64_t kClosed = 0;
constexpr uint64_t kStarted = 1;
constexpr uint64_t kSuspended = 2;
constexpr uint64_t kCompleted = 3;
constexpr uint64_t kBorrowed = 1 << 3;  // an emit is writing into the sink
constexpr uint64_t kPending = 1 << 4;   // completed meanwhile: return_sink() carries it out
constexpr int kStatusShift = 8;
constexpr uint64_t kStatusMask = uint64_t{0xFFFF} << kStatusShift;

constexpr uint64_t with_status(int32_t status) {
  // What does not fit is no status of the contract; INT16_MIN stands for all of them.
  const auto narrow =
      status < INT16_MIN || status > INT16_MAX ? INT16_MIN : static_cast<int16_t>(status);
  return uint64_t{static_cast<uint16_t>(narrow)} << kStatusShift;
}

bool is_open(uint64_t word) {
  return (word & kPhase) == kStarted || (word & kPhase) == kSuspended;
}

// Request word: generation | flags.
constexpr uint64_t kAnswered = 1;
constexpr uint64_t kCancelled = 2;

}  // namespace

// ---- The table ----

// Chunk k holds 64 << k slots. The first slot has index 1, so that no token is 0.
struct SlotTable {
  static constexpr uint32_t kFirstChunk = 64;
  static constexpr int kChunks = 18;
  static constexpr uint32_t kMaxKeptArenas = 256;

  std::atomic<Slot*> chunks[kChunks];
  std::atomic<uint64_t> free_list;  // tag | index; a tag against ABA
  std::atomic<uint32_t> kept;       // slots in the free list that hold memory

  static constexpr uint32_t chunk_size(int chunk) { return kFirstChunk << chunk; }

  Slot* at(uint64_t index) const noexcept {
    if (index == 0) return nullptr;
    const uint64_t place = index - 1 + kFirstChunk;
    const int chunk = static_cast<int>(std::bit_width(place / kFirstChunk)) - 1;
    if (chunk >= kChunks) return nullptr;
    Slot* slots = chunks[chunk].load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : slots + (place - chunk_size(chunk));
  }

  void push(Slot& slot) noexcept {
    auto head = free_list.load(std::memory_order_relaxed);
    uint64_t next;
    do {
      slot.next_free_.store(static_cast<uint32_t>(head & 0xFFFF'FFFF), std::memory_order_relaxed);
      next = ((head >> 32) + 1) << 32 | slot.index_;
    } while (!free_list.compare_exchange_weak(head, next, std::memory_order_acq_rel));
  }

  Slot* pop() noexcept {
    auto head = free_list.load(std::memory_order_acquire);
    for (;;) {
      Slot* slot = at(head & 0xFFFF'FFFF);
      if (slot == nullptr) return nullptr;
      const uint64_t next =
          ((head >> 32) + 1) << 32 | slot->next_free_.load(std::memory_order_relaxed);
      if (free_list.compare_exchange_weak(head, next, std::memory_order_acq_rel)) return slot;
    }
  }

  // Adds the next chunk, unless another thread is faster. @throws std::bad_alloc
  void grow() {
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      if (chunks[chunk].load(std::memory_order_acquire) != nullptr) continue;
      const uint32_t count = chunk_size(chunk);
      auto slots = std::make_unique<Slot[]>(count);
      const uint32_t first = count - kFirstChunk + 1;
      for (uint32_t i = 0; i < count; ++i)
        slots[i].index_ = first + i;
      Slot* expected = nullptr;
      if (!chunks[chunk].compare_exchange_strong(expected, slots.get())) return;
      Slot* added = slots.release();
      for (uint32_t i = count; i-- > 0;)
        push(added[i]);
      return;
    }
    throw std::bad_alloc();
  }
};

namespace {
constinit SlotTable table{};
}  // namespace

// ---- A request's life ----

Slot& Slot::acquire(Gate& gate) {
  Slot* slot;
  while ((slot = table.pop()) == nullptr)
    table.grow();
  if (slot->arena_.holds_memory()) table.kept.fetch_sub(1, std::memory_order_relaxed);
  slot->owner_generation_.store(gate.generation(), std::memory_order_relaxed);
  slot->owner_.store(&gate, std::memory_order_release);
  const auto generation = generation_of(slot->request_.load(std::memory_order_relaxed)) + 1;
  slot->request_.store(generation << kIndexBits, std::memory_order_seq_cst);
  return *slot;
}

void Slot::release() noexcept {
  request_.fetch_or(kAnswered, std::memory_order_acq_rel);
  waiting = nullptr;
  output_.reset();
  if (table.kept.load(std::memory_order_relaxed) < SlotTable::kMaxKeptArenas) {
    arena_.reset();
    if (arena_.holds_memory()) table.kept.fetch_add(1, std::memory_order_relaxed);
  } else {
    arena_.release();
    output_.release();
  }
  const bool worn_out =
      generation_of(operation_.load(std::memory_order_relaxed)) >= kRetiredGeneration ||
      generation_of(request_.load(std::memory_order_relaxed)) >= kRetiredGeneration;
  if (!worn_out) table.push(*this);
}

Slot* Slot::find(Token token) noexcept {
  return table.at(token & kIndexMask);
}

Token Slot::request_token() const noexcept {
  return (request_.load(std::memory_order_relaxed) & ~kIndexMask) | index_;
}

bool Slot::cancelled() const noexcept {
  return (request_.load(std::memory_order_relaxed) & kCancelled) != 0;
}

Slot::Cancelled Slot::cancel(Token request) noexcept {
  auto word = request_.load(std::memory_order_acquire);
  do {
    if (generation_of(word) != generation_of(request) || (word & kAnswered) != 0) {
      return Cancelled::kAnswered;
    }
    if ((word & kCancelled) != 0) return Cancelled::kBefore;
  } while (!request_.compare_exchange_weak(word, word | kCancelled, std::memory_order_acq_rel));
  return Cancelled::kNow;
}

bool Slot::is_in_flight(Token request) const noexcept {
  const auto word = request_.load(std::memory_order_acquire);
  return generation_of(word) == generation_of(request) && (word & kAnswered) == 0;
}

Gate* Slot::pin() noexcept {
  Gate* gate = owner_.load(std::memory_order_acquire);
  const auto generation = static_cast<uint32_t>(owner_generation_.load(std::memory_order_acquire));
  return gate != nullptr && gate->pin(generation) ? gate : nullptr;
}

void Slot::abandon(const Gate& gate) noexcept {
  auto word = request_.load(std::memory_order_seq_cst);
  do {
    if ((word & kAnswered) != 0 || owner_.load(std::memory_order_acquire) != &gate ||
        owner_generation_.load(std::memory_order_acquire) != gate.generation()) {
      return;
    }
    // Fails where the request was answered meanwhile, and the slot perhaps given to another.
  } while (!request_.compare_exchange_weak(word, kAbandonedWord | kAnswered));
  operation_.store(kAbandonedWord | kClosed, std::memory_order_seq_cst);
}

// ---- An operation's life ----

Token Slot::open(void* sink, std::coroutine_handle<> handle) noexcept {
  sink_ = sink;
  waiting = handle;
  auto word = operation_.load(std::memory_order_relaxed);
  const auto generation = generation_of(word) + 1;
  // Only abandon() writes beside us here; its generation is the last one, and stays.
  if (generation > kLastGeneration ||
      !operation_.compare_exchange_strong(word, generation << kIndexBits | kStarted)) {
    return 0;
  }
  return generation << kIndexBits | index_;
}

bool Slot::settle(bool failed, int32_t status, bool& contradicted) noexcept {
  contradicted = false;
  auto word = operation_.load(std::memory_order_acquire);
  for (;;) {
    if ((word & kPhase) == kClosed) return true;  // abandoned: never to be resumed
    if ((word & kPhase) == kCompleted) {
      contradicted = failed;
      return false;
    }
    uint64_t next;
    if (!failed || (word & kPending) != 0) {
      next = (word & ~kPhase) | kSuspended;
    } else if ((word & kBorrowed) != 0) {
      next = (word & ~(kPhase | kStatusMask)) | with_status(status) | kPending | kSuspended;
    } else {
      next = (word & ~(kPhase | kStatusMask)) | with_status(status) | kCompleted;
    }
    if (operation_.compare_exchange_weak(word, next, std::memory_order_acq_rel)) {
      return (next & kPhase) == kSuspended;
    }
  }
}

int32_t Slot::status() const noexcept {
  const auto word = operation_.load(std::memory_order_acquire);
  return static_cast<int16_t>((word & kStatusMask) >> kStatusShift);
}

Slot::Reply Slot::complete(Token token, int32_t status) noexcept {
  auto word = operation_.load(std::memory_order_acquire);
  for (;;) {
    if (generation_of(word) != generation_of(token) || !is_open(word) || (word & kPending) != 0) {
      return Reply::kStale;
    }
    const bool borrowed = (word & kBorrowed) != 0;
    const uint64_t next = borrowed
                              ? (word & ~kStatusMask) | with_status(status) | kPending
                              : (word & ~(kPhase | kStatusMask)) | with_status(status) | kCompleted;
    if (operation_.compare_exchange_weak(word, next, std::memory_order_acq_rel)) {
      return !borrowed && (word & kPhase) == kSuspended ? Reply::kResume : Reply::kDone;
    }
  }
}

void* Slot::borrow_sink(Token token, Reply& reply) noexcept {
  auto word = operation_.load(std::memory_order_acquire);
  do {
    if (generation_of(word) != generation_of(token) || !is_open(word)) {
      reply = Reply::kStale;
      return nullptr;
    }
    if ((word & kBorrowed) != 0) {
      reply = (word & kPending) != 0 ? Reply::kStale : Reply::kBusy;
      return nullptr;
    }
  } while (!operation_.compare_exchange_weak(word, word | kBorrowed, std::memory_order_acq_rel));
  reply = Reply::kDone;
  return sink_;
}

Slot::Reply Slot::return_sink() noexcept {
  auto word = operation_.load(std::memory_order_acquire);
  for (;;) {
    if (!is_open(word)) return Reply::kDone;  // abandoned meanwhile
    const bool pending = (word & kPending) != 0;
    const uint64_t next =
        pending ? (word & ~(kPhase | kBorrowed | kPending)) | kCompleted : word & ~kBorrowed;
    if (operation_.compare_exchange_weak(word, next, std::memory_order_acq_rel)) {
      return pending && (word & kPhase) == kSuspended ? Reply::kResume : Reply::kDone;
    }
  }
}

Token Slot::open_operation() const noexcept {
  const auto word = operation_.load(std::memory_order_acquire);
  return is_open(word) ? (word & ~kIndexMask) | index_ : 0;
}

}  // namespace mxd::async
