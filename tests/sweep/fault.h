#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sweep/callback.h"
#include "tests/sweep/result.h"
#include "tests/sweep/row.h"

namespace mxd::sweep {

// How an answer reaches the module.
enum class How {
  kReturned,              // by the callback's return alone
  kCompleted,             // inside the callback
  kLate,                  // on another thread
  kCompletedAndReturned,  // inside the callback, which then returns another status
  kReturnedThenLate,      // returned, and completed once the request is answered
  kTwice,
  kTwiceLate,
  kTwiceAtOnce,     // by two threads
  kUntilCancelled,  // not until the request is cancelled; then CANCELLED
  kOnCancel,        // not until the request is cancelled; then as if it had not been
  kAfterCancel,     // as that, but the cancelling is passed over, and the answer comes later
  kEmittedAfter,    // a result more, once it is completed
};

// What is answered in the place of what is right.
enum class What {
  kRight,    // nothing else: only how it comes is at fault
  kStatus,   // a status
  kRubbish,  // the right status after spoilt results
  kError,    // an error of the host's own
  kRetry,    // a time to wait, and a status that asks for one
  kValue,    // of a callback without operation
};

struct Spoil {
  std::string name;
  std::function<void(Reply&)> apply;
  Row row = Row::kH3;            // what it comes to for a user
  std::string_view record = {};  // that the log has to name, if it is refused as a whole
  int64_t wait_ms = 0;           // of kRetry
};

// One case: in a dialogue, the n-th call of one callback is answered otherwise.
struct Fault {
  Callback callback = Callback::kAuthenticate;
  int nth = 1;
  How how = How::kCompleted;
  What what = What::kRight;
  int64_t status = 0;   // of kStatus and kRetry; the value of kValue
  bool done = false;    // kStatus: the results are emitted, and the effect is there, all the same
  bool always = false;  // from that call on
  bool everywhere = false;  // at every call of every callback with an operation
  Spoil spoil = {};         // of kRubbish, kError and kRetry

  std::string describe() const;
};

// What the right host said to one question of a dialogue.
struct Asked {
  Callback callback;
  int nth;      // of this callback
  size_t step;  // of the dialogue
  Reply reply;
};

// Everything that is tried in the place of one right answer, in an order that stays the same.
std::vector<Fault> faults_of(const Asked& asked);

// Ways in which all right answers of a dialogue can come.
std::vector<Fault> deliveries();

// Those of faults_of() that spoil results, and errors of the host's own.
std::vector<Spoil> spoils_of(const Asked& asked);
std::vector<Spoil> errors_of(Callback callback);

}  // namespace mxd::sweep
