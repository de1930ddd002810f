#include "module/async/drain.h"

namespace mxd::async {
namespace {

// What this thread still has to go on with. A slot is in one list at most, so the lists are
// bounded by the requests in flight, and linked through the slots.
struct Drain {
  bool running;
  Slot* first;
  Slot* last;
  Slot* finished;
};

constinit thread_local Drain drain{};

// Out of line, so that it is looked up once: compilers take the address for a constant, which is no
// cheaper to keep than to ask for again, and in a library that is loaded it is a call.
[[gnu::noinline]] Drain& drain_of_this_thread() noexcept {
  return drain;
}

}  // namespace

void note_finished(Slot& slot) noexcept {
  drain.finished = &slot;
}

void run(Slot& slot) noexcept {
  Drain& mine = drain_of_this_thread();
  slot.next_to_drain = nullptr;
  if (mine.running) {
    (mine.first == nullptr ? mine.first : mine.last->next_to_drain) = &slot;
    mine.last = &slot;
    return;
  }
  mine.running = true;
  for (Slot* due = &slot; due != nullptr;) {
    due->waiting.resume();
    // Not `due`: it may be suspended again, and finished on another thread by now.
    if (mine.finished != nullptr) {
      Slot* over = mine.finished;
      mine.finished = nullptr;
      over->finished(*over);
    }
    due = mine.first;
    if (due != nullptr) mine.first = due->next_to_drain;
  }
  mine.running = false;
}

}  // namespace mxd::async
