// Slots under several threads: for ThreadSanitizer as much as for what is expected.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "module/async/slot.h"

namespace mxd::async {
namespace {

using Reply = Slot::Reply;

constexpr std::coroutine_handle<> kNobody{};
constexpr int32_t kOk = 0;
constexpr int32_t kLate = -3;

// Threads wait for each other asleep: a machine that is busy with other things would let them spin
// for a long time.
template <class T>
void publish(std::atomic<T>& where, T value) {
  where.store(value);  // in one order with the look of notify_all() for somebody who waits
  where.notify_all();
}

void await(std::atomic<int>& where, int value) {
  for (int now; (now = where.load(std::memory_order_acquire)) != value;)
    where.wait(now, std::memory_order_acquire);
}

class SlotThreads : public testing::Test {
 protected:
  ~SlotThreads() override {
    slot.release();
    EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
  }

  // The callback has returned OK; true: the answer is still to come.
  bool settle() {
    bool contradicted = false;
    return slot.settle(false, kOk, contradicted);
  }

  Gate& gate = Gate::claim(nullptr);
  Slot& slot = Slot::acquire(gate);
  int sink = 0;
};

TEST_F(SlotThreads, OneOfTwoCompletionsWins) {
  for (int round = 0; round < 300; ++round) {
    const Token token = slot.open(&sink, kNobody);
    std::atomic<int> accepted{0};
    std::atomic<int> resumed{0};
    const auto finish = [&](int32_t status) {
      const Reply got = slot.complete(token, status);
      if (got != Reply::kStale) ++accepted;
      if (got == Reply::kResume) ++resumed;
    };
    std::thread other([&] { finish(1); });
    finish(2);
    EXPECT_FALSE(settle()) << "it was completed on this thread at the latest";
    other.join();
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(resumed, 0);
  }
}

// Long-lived threads, so that they really meet: one completes each operation as it comes, and one
// plagues the slot with tokens that are over or were never given out.
TEST_F(SlotThreads, SettleAndCompleteMeet) {
  constexpr int kRounds = 2'000;
  constexpr Token kOneGeneration = Token{1} << 24;
  std::atomic<Token> offered{0};
  std::atomic<int> resumed{0};
  std::atomic<bool> over{false};

  std::thread partner([&] {
    Token last = 0;
    for (int round = 0; round < kRounds; ++round) {
      offered.wait(last, std::memory_order_acquire);
      const Token token = offered.load(std::memory_order_acquire);
      last = token;
      auto reply = Reply::kDone;
      void* const lent = slot.borrow_sink(token, reply);
      EXPECT_EQ(lent, &sink) << round;
      if (lent == nullptr) continue;
      ++*static_cast<int*>(lent);
      EXPECT_EQ(slot.return_sink(), Reply::kDone);
      if (slot.complete(token, kLate) == Reply::kResume) {
        publish(resumed, round + 1);
      }
    }
  });
  std::thread plague([&] {
    while (!over) {
      const Token token = offered.load(std::memory_order_acquire);
      for (int i = 0; i < 10; ++i) {
        auto reply = Reply::kDone;
        EXPECT_EQ(slot.complete(token - kOneGeneration, kOk), Reply::kStale);
        EXPECT_EQ(slot.borrow_sink(token + 1000 * kRounds * kOneGeneration, reply), nullptr);
        EXPECT_EQ(slot.cancel(slot.request_token() + kOneGeneration), Slot::Cancelled::kAnswered);
      }
      if (!over) offered.wait(token, std::memory_order_acquire);
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    publish(offered, slot.open(&sink, kNobody));
    if (settle()) {  // then it is the partner who goes on
      await(resumed, round + 1);
    }
    EXPECT_EQ(slot.status(), kLate) << round;
    EXPECT_EQ(sink, round + 1) << "what was emitted is seen by whoever goes on";
  }
  over = true;
  publish(offered, ~Token{0});  // wakes the plague, also where it has slept since before the first
  partner.join();
  plague.join();
}

// An emit and a completion at once: the completion is carried out by whoever comes last, once.
TEST_F(SlotThreads, LentSinkAndCompletionMeet) {
  constexpr int kRounds = 2'000;
  std::atomic<Token> offered{0};
  std::atomic<int> emitted{0};
  std::atomic<int> resumed{0};

  std::thread emitter([&] {
    Token last = 0;
    for (int round = 0; round < kRounds; ++round) {
      offered.wait(last, std::memory_order_acquire);
      const Token token = offered.load(std::memory_order_acquire);
      last = token;
      auto reply = Reply::kDone;
      if (void* const lent = slot.borrow_sink(token, reply)) {
        ++*static_cast<int*>(lent);
        if (slot.return_sink() == Reply::kResume) ++resumed;
      } else {
        EXPECT_EQ(reply, Reply::kStale) << "nobody else emits";
      }
      publish(emitted, round + 1);
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    const Token token = slot.open(&sink, kNobody);
    EXPECT_TRUE(settle());
    publish(offered, token);
    if (slot.complete(token, kLate) == Reply::kResume) ++resumed;
    await(emitted, round + 1);
    EXPECT_EQ(resumed, round + 1) << "resumed by one of the two, once";
    EXPECT_EQ(slot.status(), kLate);
  }
  emitter.join();
}

TEST_F(SlotThreads, AcquiredAndReleasedFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 1000; ++round) {
        Slot& mine = Slot::acquire(gate);
        auto* number = mine.arena().make<int>(round);
        const Token token = mine.open(number, kNobody);
        EXPECT_EQ(Slot::find(token), &mine);
        EXPECT_EQ(mine.complete(token, kOk), Reply::kDone);
        bool contradicted = false;
        EXPECT_FALSE(mine.settle(false, kOk, contradicted));
        EXPECT_EQ(*number, round) << "another's memory";
        mine.release();
        EXPECT_EQ(mine.complete(token, kOk), Reply::kStale);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
}

}  // namespace
}  // namespace mxd::async
