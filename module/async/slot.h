#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>

#include "module/async/gate.h"
#include "module/memory/arena.h"
#include "module/memory/output_buffer.h"

namespace mxd::async {

// Names one operation, or one request: 40 bits of generation over 24 bits of slot index. Never 0.
using Token = uint64_t;

class Slot;

// Called once the outermost coroutine of a request has ended, on the thread where it did, with no
// frame of it on the stack. Ends with Slot::release().
using Finished = void (*)(Slot&) noexcept;

// The place of one request in flight, and of the one question that it may have open at a time.
// Slots live in one table for the process, which grows and is never freed, so that any token,
// however old or made up, can be looked at.
//
// An operation's states, in one atomic word with its generation and its status:
//
//   closed ──open()──▶ started ──settle()──▶ suspended
//                         │                      │
//                     complete()             complete()
//                         ▼                      ▼
//                     completed              completed, and the coroutine resumes
//
// Whichever of settle() and complete() comes second goes on with the coroutine, so it is resumed
// once, and never while the callback that started the operation is still on a stack.
class Slot {
 public:
  enum class Reply { kDone, kResume, kStale, kBusy };

  // A free slot, for a request inside `gate`. @throws std::bad_alloc
  static Slot& acquire(Gate& gate);

  // The request is over: its tokens are stale, its memory is recycled. Does not leave the gate.
  void release() noexcept;

  // The slot that a token lies in, or null: made up.
  static Slot* find(Token token) noexcept;

  // Calls `visit` for each slot there is.
  template <class Visit>
  static void for_each(Visit&& visit) {
    for (uint32_t index = 1; Slot* slot = find(index); ++index)
      visit(*slot);
  }

  // ---- The request's side: one thread at a time. ----

  memory::Arena& arena() noexcept { return arena_; }
  memory::OutputBuffer& output() noexcept { return output_; }
  Token request_token() const noexcept;
  bool cancelled() const noexcept;

  // Opens an operation, whose results go to `sink`, and whose answer resumes `waiting`. 0 where
  // the slot is abandoned: it is never opened again.
  Token open(void* sink, std::coroutine_handle<> waiting) noexcept;

  // The callback has returned; with `failed` it says that it will never complete, and `status` is
  // the answer. True: the answer is still to come, and nothing here may be touched any more.
  // `contradicted`: it had completed already all the same.
  bool settle(bool failed, int32_t status, bool& contradicted) noexcept;

  // Of the operation completed last.
  int32_t status() const noexcept;

  // ---- The host's side: any thread. ----

  // kResume: the caller now goes on with the coroutine.
  Reply complete(Token token, int32_t status) noexcept;

  // Exclusive use of the operation's sink; while it lasts, complete() is held back. Null: why not
  // is in `reply`.
  void* borrow_sink(Token token, Reply& reply) noexcept;
  // kResume: as complete().
  Reply return_sink() noexcept;

  // Marks the request as cancelled.
  enum class Cancelled { kNow, kBefore, kAnswered };
  Cancelled cancel(Token request) noexcept;
  // Whether a request is this slot's, and not answered.
  bool is_in_flight(Token request) const noexcept;
  // The operation that is open, or 0.
  Token open_operation() const noexcept;

  // If a request inside `gate` is in it: makes all its tokens stale for good. The slot is not used
  // again.
  void abandon(const Gate& gate) noexcept;

  // Holds the instance that the slot works for, or worked for last, and is still there: pair with
  // leave(). Null: there is none.
  Gate* pin() noexcept;

  // ---- For the drain of a thread (drain.h). ----
  std::coroutine_handle<> waiting;
  Slot* next_to_drain = nullptr;
  Finished finished = nullptr;
  void* user = nullptr;  // of whoever set `finished`

 private:
  friend struct SlotTable;
  std::atomic<uint64_t> operation_{0};
  std::atomic<uint64_t> request_{0};
  std::atomic<uint64_t> owner_generation_{0};
  std::atomic<Gate*> owner_{nullptr};
  std::atomic<uint32_t> next_free_{0};
  uint32_t index_ = 0;
  void* sink_ = nullptr;
  memory::Arena arena_;
  memory::OutputBuffer output_;
};

}  // namespace mxd::async
