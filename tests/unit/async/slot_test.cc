#include "module/async/slot.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace mxd::async {
namespace {

using Reply = Slot::Reply;

constexpr std::coroutine_handle<> kNobody{};
constexpr int32_t kOk = 0;
constexpr int32_t kLate = -3;

class SlotTest : public testing::Test {
 protected:
  SlotTest() : gate(Gate::claim(nullptr)), slot(&Slot::acquire(gate)) {}
  ~SlotTest() override {
    if (slot != nullptr) slot->release();
    EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
  }

  // The callback has returned OK; true: the answer is still to come.
  bool settle() {
    bool contradicted = false;
    const bool suspended = slot->settle(false, kOk, contradicted);
    EXPECT_FALSE(contradicted);
    return suspended;
  }
  void* borrow(Token token) { return slot->borrow_sink(token, reply); }

  Gate& gate;
  Slot* slot;
  int sink = 0;
  Reply reply = Reply::kDone;
};

// ---- Tokens ----

TEST_F(SlotTest, TokensAreNeverZeroAndFindTheirSlot) {
  const Token request = slot->request_token();
  EXPECT_NE(request, 0u);
  EXPECT_EQ(Slot::find(request), slot);
  const Token token = slot->open(&sink, kNobody);
  EXPECT_NE(token, 0u);
  EXPECT_EQ(Slot::find(token), slot);
  EXPECT_EQ(slot->open_operation(), token);
}

TEST_F(SlotTest, EveryOperationHasATokenOfItsOwn) {
  std::set<Token> tokens;
  for (int i = 0; i < 1000; ++i) {
    const Token token = slot->open(&sink, kNobody);
    EXPECT_TRUE(tokens.insert(token).second) << "reused: " << token;
    EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
    EXPECT_FALSE(settle());
  }
}

TEST_F(SlotTest, TokenOfTheOperationBeforeIsStale) {
  const Token first = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(first, kOk), Reply::kDone);
  settle();
  const Token second = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(first, kOk), Reply::kStale);
  EXPECT_EQ(borrow(first), nullptr);
  EXPECT_EQ(reply, Reply::kStale);
  EXPECT_EQ(slot->complete(second, kOk), Reply::kDone);
}

TEST_F(SlotTest, TokenOfTheRequestBeforeIsStale) {
  const Token request = slot->request_token();
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
  settle();
  slot->release();
  EXPECT_EQ(slot->cancel(request), Slot::Cancelled::kAnswered);
  slot = &Slot::acquire(gate);
  EXPECT_NE(slot->request_token(), request);
  EXPECT_EQ(slot->cancel(request), Slot::Cancelled::kAnswered) << "the one before is answered";
  EXPECT_FALSE(slot->cancelled());
  EXPECT_EQ(slot->complete(token, kOk), Reply::kStale);
}

TEST(SlotTable, MadeUpTokens) {
  EXPECT_EQ(Slot::find(0), nullptr);
  EXPECT_EQ(Slot::find(~Token{0}), nullptr);
  EXPECT_EQ(Slot::find(0xFF'FFFF), nullptr) << "an index that there is not";
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const Token token = random();
    Slot* slot = Slot::find(token);
    if (slot == nullptr) continue;
    EXPECT_EQ(slot->complete(token, kOk), Reply::kStale) << token;
    EXPECT_EQ(slot->cancel(token), Slot::Cancelled::kAnswered) << token;
    auto reply = Reply::kDone;
    EXPECT_EQ(slot->borrow_sink(token, reply), nullptr) << token;
  }
}

TEST(SlotTable, GrowsAndIsReused) {
  Gate& gate = Gate::claim(nullptr);
  std::set<Slot*> slots;
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(slots.insert(&Slot::acquire(gate)).second) << "given out twice";
  size_t seen = 0;
  Slot::for_each([&](Slot& slot) { seen += slots.count(&slot); });
  EXPECT_EQ(seen, slots.size());
  for (Slot* slot : slots)
    slot->release();
  Slot& again = Slot::acquire(gate);
  EXPECT_EQ(slots.count(&again), 1u);
  again.release();
  EXPECT_EQ(gate.release(), Gate::Release::kEmpty);
}

// ---- started, completed, suspended ----

TEST_F(SlotTest, CompletedBeforeTheCallbackReturns) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kLate), Reply::kDone) << "its caller goes on, not we";
  EXPECT_FALSE(settle());
  EXPECT_EQ(slot->status(), kLate);
}

TEST_F(SlotTest, CompletedAfterTheCallbackReturned) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_TRUE(settle());
  EXPECT_EQ(slot->complete(token, kLate), Reply::kResume);
  EXPECT_EQ(slot->status(), kLate);
  EXPECT_EQ(slot->open_operation(), 0u);
}

TEST_F(SlotTest, SecondCompletionIsStale) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
  EXPECT_EQ(slot->complete(token, kLate), Reply::kStale);
  settle();
  EXPECT_EQ(slot->complete(token, kLate), Reply::kStale);
  EXPECT_EQ(slot->status(), kOk) << "the first one counts";
}

TEST_F(SlotTest, CallbackThatFailed) {
  slot->open(&sink, kNobody);
  bool contradicted = false;
  EXPECT_FALSE(slot->settle(true, kLate, contradicted));
  EXPECT_FALSE(contradicted);
  EXPECT_EQ(slot->status(), kLate);
}

TEST_F(SlotTest, CallbackThatFailedAfterCompleting) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
  bool contradicted = false;
  EXPECT_FALSE(slot->settle(true, kLate, contradicted));
  EXPECT_TRUE(contradicted);
  EXPECT_EQ(slot->status(), kOk) << "the completion counts";
}

TEST_F(SlotTest, StatusesThatDoNotFitAreNoneOfTheContract) {
  for (const int32_t status : {INT32_MIN, INT32_MAX, 0x10000, -0x10000, 0x8000}) {
    const Token token = slot->open(&sink, kNobody);
    EXPECT_EQ(slot->complete(token, status), Reply::kDone);
    settle();
    EXPECT_EQ(slot->status(), INT16_MIN) << status;
  }
  for (const int32_t status : {0, 12, -9, 0x7FFF, -0x7FFF}) {
    const Token token = slot->open(&sink, kNobody);
    EXPECT_EQ(slot->complete(token, status), Reply::kDone);
    settle();
    EXPECT_EQ(slot->status(), status);
  }
}

// ---- The sink ----

TEST_F(SlotTest, SinkIsLentToOneAtATime) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(borrow(token), &sink);
  EXPECT_EQ(borrow(token), nullptr);
  EXPECT_EQ(reply, Reply::kBusy);
  EXPECT_EQ(slot->return_sink(), Reply::kDone);
  EXPECT_EQ(borrow(token), &sink);
  EXPECT_EQ(slot->return_sink(), Reply::kDone);
}

TEST_F(SlotTest, NothingIsLentOfAnOperationThatIsOver) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
  EXPECT_EQ(borrow(token), nullptr);
  EXPECT_EQ(reply, Reply::kStale);
  EXPECT_EQ(borrow(slot->request_token()), nullptr) << "a request's token names no operation";
}

TEST_F(SlotTest, CompletionWaitsForALentSink) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_TRUE(settle());
  EXPECT_EQ(borrow(token), &sink);
  EXPECT_EQ(slot->complete(token, kLate), Reply::kDone) << "not to be resumed yet";
  EXPECT_EQ(slot->complete(token, kOk), Reply::kStale) << "it is completed all the same";
  EXPECT_EQ(borrow(token), nullptr);
  EXPECT_EQ(reply, Reply::kStale);
  EXPECT_EQ(slot->return_sink(), Reply::kResume) << "whoever returns the sink goes on";
  EXPECT_EQ(slot->status(), kLate);
}

TEST_F(SlotTest, CompletionWaitsForALentSinkInsideTheCallback) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(borrow(token), &sink);
  EXPECT_EQ(slot->complete(token, kLate), Reply::kDone);
  EXPECT_TRUE(settle()) << "the emit is still to end";
  EXPECT_EQ(slot->return_sink(), Reply::kResume);
  EXPECT_EQ(slot->status(), kLate);
}

TEST_F(SlotTest, SinkReturnedBeforeTheCallbackReturns) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(borrow(token), &sink);
  EXPECT_EQ(slot->complete(token, kLate), Reply::kDone);
  EXPECT_EQ(slot->return_sink(), Reply::kDone);
  EXPECT_FALSE(settle());
  EXPECT_EQ(slot->status(), kLate);
}

TEST_F(SlotTest, CallbackFailsWhileItsSinkIsLent) {
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(borrow(token), &sink);
  bool contradicted = false;
  EXPECT_TRUE(slot->settle(true, kLate, contradicted));
  EXPECT_EQ(slot->complete(token, kOk), Reply::kStale) << "the failure counts";
  EXPECT_EQ(slot->return_sink(), Reply::kResume);
  EXPECT_EQ(slot->status(), kLate);
}

// ---- Cancelling, owners, abandonment ----

TEST_F(SlotTest, CancelMarksTheRequest) {
  EXPECT_FALSE(slot->cancelled());
  EXPECT_EQ(slot->cancel(slot->request_token()), Slot::Cancelled::kNow);
  EXPECT_EQ(slot->cancel(slot->request_token()), Slot::Cancelled::kBefore);
  EXPECT_TRUE(slot->cancelled());
  const Token token = slot->open(&sink, kNobody);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone) << "it makes no token invalid";
  settle();
}

TEST_F(SlotTest, PinsTheGateThatItWorksForOrWorkedForLast) {
  EXPECT_EQ(slot->pin(), &gate);
  gate.leave();
  Slot* released = slot;
  slot->release();
  slot = nullptr;
  EXPECT_EQ(released->pin(), &gate);
  gate.leave();
}

TEST_F(SlotTest, IsAbandonedWithItsOwnGateOnly) {
  Gate& other = Gate::claim(nullptr);
  const Token token = slot->open(&sink, kNobody);
  slot->abandon(other);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kDone);
  settle();
  Slot* released = slot;
  slot->release();
  slot = nullptr;
  released->abandon(gate);  // it has no request any more
  slot = &Slot::acquire(other);
  EXPECT_EQ(slot, released) << "still in use";
  slot->abandon(gate);
  EXPECT_NE(slot->open(&sink, kNobody), 0u);
  settle();
  slot->release();
  slot = nullptr;
  EXPECT_EQ(other.release(), Gate::Release::kEmpty);
}

TEST_F(SlotTest, AbandonedSlotIsStaleForGood) {
  const Token request = slot->request_token();
  const Token token = slot->open(&sink, kNobody);
  EXPECT_TRUE(settle());
  slot->abandon(gate);
  EXPECT_EQ(slot->complete(token, kOk), Reply::kStale);
  EXPECT_EQ(borrow(token), nullptr);
  EXPECT_EQ(reply, Reply::kStale);
  EXPECT_EQ(slot->cancel(request), Slot::Cancelled::kAnswered);
  EXPECT_EQ(slot->open_operation(), 0u);
  EXPECT_EQ(slot->open(&sink, kNobody), 0u) << "it is never opened again";
  EXPECT_EQ(slot->open_operation(), 0u);
  Slot* abandoned = slot;
  slot->release();
  slot = &Slot::acquire(gate);
  EXPECT_NE(slot, abandoned) << "nor given out again";
}

TEST_F(SlotTest, AbandonedInsideTheCallback) {
  slot->open(&sink, kNobody);
  EXPECT_EQ(borrow(slot->open_operation()), &sink);
  slot->abandon(gate);
  EXPECT_EQ(slot->return_sink(), Reply::kDone);
  EXPECT_TRUE(settle()) << "never to be resumed";
  slot = nullptr;
}

}  // namespace
}  // namespace mxd::async
