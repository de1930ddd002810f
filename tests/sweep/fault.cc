#include "tests/sweep/fault.h"

#include <limits>

namespace mxd::sweep {
namespace {

constexpr std::string_view kHowNames[] = {
    "returned",
    "completed",
    "completed late",
    "completed, and another status returned",
    "returned, and completed after the answer",
    "completed twice",
    "completed twice, late",
    "completed twice at once",
    "not completed until cancelled",
    "answered only on cancel",
    "cancelled, and answered after that",
    "completed, and emitted after that",
};

constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

// All statuses of the contract, others of both signs, and those that a narrower integer would take
// for another.
constexpr int32_t kStatuses[] = {
    MXD_OK,
    MXD_NOT_MINE,
    MXD_CREATED,
    MXD_NOT_FOUND,
    MXD_UNKNOWN_TOKEN,
    MXD_TOKEN_EXPIRED,
    MXD_USER_LOCKED,
    MXD_FORBIDDEN,
    MXD_UNKNOWN_DEVICE,
    MXD_LIMIT_EXCEEDED,
    MXD_REFUSED,
    MXD_BAD_DATA,
    MXD_HOST_ERROR,
    MXD_CONFLICT,
    MXD_INTERNAL,
    MXD_UNAVAILABLE,
    MXD_TIMEOUT,
    MXD_CANCELLED,
    MXD_NO_MEMORY,
    MXD_INVALID_ARGUMENT,
    MXD_STALE,
    MXD_BUSY,
    MXD_UNSUPPORTED,
    14,
    31,
    32,
    12345,
    INT16_MAX,
    INT16_MAX + 1,
    65536,
    65536 + MXD_NOT_FOUND,
    -10,
    -100,
    INT16_MIN,
    -65536,
    kLeast,
    kLeast + 1,
    kMost - 1,
    kMost,
};

constexpr int64_t kTimes[] = {std::numeric_limits<int64_t>::min(),
                              -1,
                              0,
                              1,
                              (int64_t{1} << 53) - 1,
                              int64_t{1} << 53,
                              (int64_t{1} << 53) + 1,
                              std::numeric_limits<int64_t>::max()};

class Faults {
 public:
  explicit Faults(const Asked& asked) : asked_(asked) {}

  std::vector<Fault> make() {
    if (asked_.callback == Callback::kNow || asked_.callback == Callback::kRandom) {
      add_values();
      return std::move(faults_);
    }
    add_deliveries();
    for (const int32_t status : kStatuses)
      add_status(status);
    if (asked_.callback == Callback::kReplaceSession) {
      add({.what = What::kStatus, .status = MXD_CONFLICT, .always = true});
    }
    for (const auto& spoil : spoils_of(asked_)) {
      for (const How how : {How::kCompleted, How::kLate})
        add({.how = how, .what = What::kRubbish, .spoil = spoil});
    }
    for (const auto& spoil : errors_of(asked_.callback)) {
      for (const How how : {How::kCompleted, How::kReturned, How::kLate})
        add({.how = how, .what = What::kError, .spoil = spoil});
    }
    add_waits();
    return std::move(faults_);
  }

 private:
  void add(Fault fault) {
    fault.callback = asked_.callback;
    fault.nth = asked_.nth;
    faults_.push_back(std::move(fault));
  }

  void add_values() {
    if (asked_.callback == Callback::kRandom) {
      for (const int32_t status : kStatuses)
        add({.what = What::kValue, .status = status});
      return;
    }
    for (const int64_t time : kTimes)
      add({.what = What::kValue, .status = time});
  }

  void add_deliveries() {
    if (asked_.reply.status != MXD_OK) add({.how = How::kReturned});
    for (const How how :
         {How::kLate, How::kCompletedAndReturned, How::kTwice, How::kTwiceLate, How::kTwiceAtOnce,
          How::kUntilCancelled, How::kOnCancel, How::kAfterCancel, How::kEmittedAfter}) {
      add({.how = how});
    }
  }

  void add_status(int32_t status) {
    const bool says_something = !asked_.reply.results.empty() || asked_.reply.effect != nullptr;
    if (status == asked_.reply.status && !says_something) return;
    for (const How how : {How::kReturned, How::kCompleted, How::kLate, How::kCompletedAndReturned,
                          How::kTwice, How::kReturnedThenLate}) {
      const bool returns = how == How::kReturned || how == How::kReturnedThenLate;
      if (returns && status == MXD_OK) continue;  // says that the answer will come
      add({.how = how, .what = What::kStatus, .status = status});
    }
    if (status == asked_.reply.status || !says_something) return;
    for (const How how : {How::kReturned, How::kCompleted, How::kLate}) {
      if (how == How::kReturned && status == MXD_OK) continue;
      add({.how = how, .what = What::kStatus, .status = status, .done = true});
    }
  }

  // Times to wait, with each status that asks for one.
  void add_waits() {
    for (const int64_t ms :
         {int64_t{0}, int64_t{1}, int64_t{999}, int64_t{1000}, int64_t{1001},
          std::numeric_limits<int64_t>::max() - 1, std::numeric_limits<int64_t>::max(), int64_t{-1},
          std::numeric_limits<int64_t>::min()}) {
      for (const int32_t status : {MXD_UNAVAILABLE, MXD_NO_MEMORY, MXD_LIMIT_EXCEEDED}) {
        const bool own =
            asked_.callback == Callback::kTakeLimit || asked_.callback == Callback::kGiveBack;
        if (status == MXD_LIMIT_EXCEEDED && !own) continue;
        Spoil spoil{"wait of " + std::to_string(ms) + " ms",
                    [ms](Reply& reply) { reply.results = {retry_after(ms)}; },
                    ms < 0 ? Row::kH3 : Row::kAny,
                    {},
                    ms};
        for (const How how : {How::kCompleted, How::kLate})
          add({.how = how, .what = What::kRetry, .status = status, .spoil = spoil});
      }
    }
  }

  const Asked& asked_;
  std::vector<Fault> faults_;
};

}  // namespace

std::string Fault::describe() const {
  if (everywhere) return "every answer " + std::string(kHowNames[static_cast<size_t>(how)]);
  std::string text = std::string(traits(callback).name) +
                     (callback == Callback::kGiveBack ? " (-1)" : "") + " #" + std::to_string(nth) +
                     ": ";
  switch (what) {
    case What::kRight:
      text += "the right answer";
      break;
    case What::kStatus:
      text += (done ? "done, but status " : "status ") + std::to_string(status);
      if (always) text += " from now on";
      break;
    case What::kRubbish:
      text += spoil.name;
      break;
    case What::kError:
      text += "an error of its own, " + spoil.name;
      break;
    case What::kRetry:
      text += spoil.name + " with status " + std::to_string(status);
      break;
    case What::kValue:
      return text + std::to_string(status);
  }
  return text + ", " + std::string(kHowNames[static_cast<size_t>(how)]);
}

std::vector<Fault> deliveries() {
  std::vector<Fault> all;
  for (const How how : {How::kLate, How::kCompletedAndReturned, How::kTwice, How::kTwiceLate,
                        How::kTwiceAtOnce, How::kEmittedAfter}) {
    all.push_back({.how = how, .everywhere = true});
  }
  return all;
}

std::vector<Fault> faults_of(const Asked& asked) {
  return Faults(asked).make();
}

}  // namespace mxd::sweep
