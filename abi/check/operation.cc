#include "abi/check/operation.h"

#include <unordered_map>
#include <utility>

#include "abi/check/dialogue.h"
#include "abi/check/report.h"

namespace mxd::check {
namespace {

struct Table {
  std::mutex mutex;
  mxd_op last = 0;
  std::unordered_map<mxd_op, std::shared_ptr<Operation>> operations;
};

// Never destroyed: the library is never unloaded, and a late call may come at exit.
Table& table() {
  static Table& instance = *new Table;
  return instance;
}

}  // namespace

std::shared_ptr<Operation> Operation::open(Callback callback, std::shared_ptr<Dialogue> dialogue,
                                           std::shared_ptr<Report> report,
                                           std::shared_ptr<Lent> arguments) {
  auto operation = std::make_shared<Operation>();
  operation->callback_ = callback;
  operation->dialogue_ = std::move(dialogue);
  operation->report_ = std::move(report);
  operation->arguments_ = std::move(arguments);
  const std::lock_guard lock(table().mutex);
  operation->number_ = ++table().last;
  table().operations.emplace(operation->number_, operation);
  return operation;
}

std::shared_ptr<Operation> Operation::find(mxd_op number) {
  const std::lock_guard lock(table().mutex);
  const auto found = table().operations.find(number);
  return found == table().operations.end() ? nullptr : found->second;
}

std::string Operation::called(const char* name) const {
  return std::string(name) + " for " + std::string(row(callback_).name);
}

bool Operation::has_returned(int32_t status) {
  const std::lock_guard lock(mutex_);
  returned_ = true;
  if (status != MXD_OK) {
    if (completed_) {
      report_->broken("operation.one_answer", std::string(row(callback_).name) + " returned " +
                                                  name_of(status) + ", and was completed too");
    } else {
      answered(status);
    }
  }
  return completed_;
}

int32_t Operation::complete(int32_t status) {
  std::shared_ptr<Dialogue> goes_on;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return MXD_STALE;
    if (completed_) {
      report_->broken("operation.completes_once",
                      called("complete") + " came again after the answer");
      return MXD_STALE;
    }
    if (emitting_) {
      report_->broken("operation.serial", called("complete") + " came during an emit");
      return MXD_BUSY;
    }
    report_->count(callback_, returned_);
    answered(status);
    if (returned_) goes_on = dialogue_;
  }
  if (goes_on != nullptr) goes_on->schedule();
  return MXD_OK;
}

void Operation::answered(int32_t status) {
  completed_ = true;
  answer_.status = status;
  arguments_->take_back();
}

int32_t Operation::may_emit(Emits kind, const char* name) {
  if (abandoned_) return MXD_STALE;
  if (completed_) {
    report_->broken("operation.emits_before_completion", called(name) + " came after the answer");
    return MXD_STALE;
  }
  if ((kind & (row(callback_).emits | kError | kRetryAfter)) == 0) {
    report_->broken("operation.emits_fit", called(name) + " is not for that callback");
    refused_ = true;
    return MXD_INVALID_ARGUMENT;
  }
  constexpr Emits kMany = kStage | kCompleted;
  const bool again = (emitted_ & kind) != 0;
  if (again && (kind & kMany) == 0 && !(kind == kDevice && callback_ == Callback::kListDevices)) {
    report_->broken("operation.emits_fit", called(name) + " came twice");
    refused_ = true;
    return MXD_INVALID_ARGUMENT;
  }
  emitted_ |= kind;
  return MXD_OK;
}

int32_t Operation::refuse(const char* name, const char* fault) {
  report_->broken(fault == kReadLate ? "operation.arguments" : "operation.emits_well_formed",
                  called(name) + ": " + fault);
  refused_ = true;
  return MXD_INVALID_ARGUMENT;
}

int32_t Operation::overlapping(const char* name) {
  report_->broken("operation.serial", called(name) + " came during another emit");
  return MXD_BUSY;
}

Answer Operation::take_answer() {
  const std::lock_guard lock(mutex_);
  const std::string name(row(callback_).name);
  Answer answer = std::move(answer_);
  answer_ = {};
  dialogue_.reset();
  if (!is_listed(callback_, answer.status)) {
    report_->broken("operation.statuses",
                    name + " was answered " + name_of(answer.status) + ", which it does not list");
    answer.status = MXD_INTERNAL;
  } else if (answer.status == MXD_OK && (row(callback_).needed & ~emitted_) != 0 && !refused_) {
    report_->broken("operation.results", name + " was answered MXD_OK without its result");
    answer.status = MXD_INTERNAL;
  } else if (answer.status == MXD_HOST_ERROR && (emitted_ & kError) == 0 && !refused_) {
    report_->broken("operation.results", name + " was answered MXD_HOST_ERROR without emit_error");
  } else if (callback_ == Callback::kTakeLimit && answer.status == MXD_LIMIT_EXCEEDED &&
             (emitted_ & kRetryAfter) == 0) {
    report_->broken("operation.results",
                    "take_limit was answered MXD_LIMIT_EXCEEDED without emit_retry_after");
  }
  if (refused_) answer.status = MXD_INTERNAL;
  return answer;
}

void Operation::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = !completed_;
  dialogue_.reset();
}

bool Operation::is_open() const {
  const std::lock_guard lock(mutex_);
  return !completed_ && !abandoned_;
}

}  // namespace mxd::check
