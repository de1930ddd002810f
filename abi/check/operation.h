// One question to the host, from the call of its callback until it is answered. Its number is good
// for ever: the table of operations never forgets one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "abi/check/answer.h"
#include "abi/check/callbacks.h"

namespace mxd::check {

class Dialogue;
class Report;

// What an emit says of a text that holds what arguments were overwritten with.
inline constexpr char kReadLate[] = "it repeats arguments that were read after the answer";

// The arguments of a question. They stay good until it is completed, and are overwritten then, and
// never freed, so that who reads them later leaves a trace instead of crashing.
class Lent {
 public:
  virtual ~Lent() = default;
  virtual void take_back() noexcept = 0;
};

class Operation {
 public:
  // Gives it a number and enters it in the table. `dialogue` goes on when it is answered.
  static std::shared_ptr<Operation> open(Callback callback, std::shared_ptr<Dialogue> dialogue,
                                         std::shared_ptr<Report> report,
                                         std::shared_ptr<Lent> arguments);
  // Nothing: there never was one of this number.
  static std::shared_ptr<Operation> find(mxd_op number);

  mxd_op number() const { return number_; }
  Callback callback() const { return callback_; }
  Report& report() const { return *report_; }

  // The callback has returned. True: it is answered, and the calling thread goes on with the
  // request. False: complete() will.
  bool has_returned(int32_t status);

  // complete() of the module's table.
  int32_t complete(int32_t status);

  // An emit of the module's table. `store` puts what was emitted into the answer, and returns what
  // is wrong with it, or nullptr.
  template <class Store>
  int32_t emit(Emits kind, const char* name, Store&& store) {
    const Emitting emitting(*this);
    if (!emitting.alone) return overlapping(name);
    const std::lock_guard lock(mutex_);
    const int32_t status = may_emit(kind, name);
    if (status != MXD_OK) return status;
    const char* const fault = store(answer_);
    return fault == nullptr ? MXD_OK : refuse(name, fault);
  }

  // The answer, once. A result that the contract does not allow has become MXD_INTERNAL, and is in
  // the report.
  Answer take_answer();

  // Given up: nobody waits for it any more.
  void abandon();

  bool is_open() const;

 private:
  struct Emitting {
    explicit Emitting(Operation& owner)
        : operation(owner), alone(!owner.emitting_.exchange(true)) {}
    ~Emitting() {
      if (alone) operation.emitting_ = false;
    }
    Emitting(const Emitting&) = delete;
    Emitting& operator=(const Emitting&) = delete;
    Operation& operation;
    bool alone;
  };

  int32_t may_emit(Emits kind, const char* name);
  int32_t refuse(const char* name, const char* fault);
  int32_t overlapping(const char* name);
  void answered(int32_t status);
  std::string called(const char* name) const;

  mxd_op number_ = 0;
  Callback callback_{};
  std::shared_ptr<Report> report_;
  std::atomic<bool> emitting_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<Dialogue> dialogue_;
  std::shared_ptr<Lent> arguments_;
  Answer answer_;
  Emits emitted_ = 0;
  bool completed_ = false;
  bool returned_ = false;
  bool refused_ = false;
  bool abandoned_ = false;
};

}  // namespace mxd::check
