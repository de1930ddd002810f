#include "tests/sweep/faulty_host.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "matrix_devices/module.hpp"
#include "tests/sweep/questions.h"

namespace mxd::sweep {
namespace {

FaultyHost& from(mxd_cookie cookie) {
  return *reinterpret_cast<FaultyHost*>(cookie);
}

}  // namespace

template <Callback callback, auto decide, class Question>
int32_t FaultyHost::answer(mxd_cookie cookie, mxd_cookie request, mxd_op op, mxd_cookie principal,
                           const Question* question) noexcept {
  FaultyHost& host = from(cookie);
  if (question->size != sizeof *question)
    host.complain("a struct of another size than the header's");
  for (const mxd_view text : texts_of(*question)) {
    const std::string fault = fault_of_text(text);
    if (!fault.empty()) host.complain("a text that was passed has " + fault);
  }
  if (request != host.last_request_) host.complain("a callback for another request");
  const bool known = principal == 0 || host.principals_.contains(principal);
  if (!known) host.complain("a principal's cookie that is not taken, or was released");
  Callback asked = callback;
  if constexpr (callback == Callback::kTakeLimit) {
    if (question->units == -1) asked = Callback::kGiveBack;
  }
  if constexpr (callback == Callback::kCheck) {
    host.check_type_ = std::string(mxd::text(question->type));
  }
  Open open{op, [question] { return copy_of(*question); }, copy_of(*question)};
  return host.deliver(asked, std::move(open), (host.homeserver_.*decide)(*question));
}

mxd_host FaultyHost::table(const Setup& setup) {
  auto host = mxd::make<mxd_host>();
  host.cookie = reinterpret_cast<mxd_cookie>(this);
  host.respond = [](mxd_cookie cookie, mxd_cookie request, const mxd_response* response) noexcept {
    from(cookie).respond(request, *response);
  };
  host.authenticate = answer<Callback::kAuthenticate, &Homeserver::authenticate, mxd_credentials>;
  host.list_devices = answer<Callback::kListDevices, &Homeserver::list_devices, mxd_device_query>;
  host.get_device = answer<Callback::kGetDevice, &Homeserver::get_device, mxd_device_key>;
  host.rename_device =
      answer<Callback::kRenameDevice, &Homeserver::rename_device, mxd_device_update>;
  host.delete_devices = answer<Callback::kDeleteDevices, &Homeserver::delete_devices, mxd_deletion>;
  host.uia_flows = answer<Callback::kFlows, &Homeserver::flows, mxd_uia_operation>;
  host.uia_create_session =
      answer<Callback::kCreateSession, &Homeserver::create_session, mxd_uia_session>;
  host.uia_load_session =
      answer<Callback::kLoadSession, &Homeserver::load_session, mxd_uia_session_key>;
  host.uia_replace_session =
      answer<Callback::kReplaceSession, &Homeserver::replace_session, mxd_uia_replacement>;
  host.uia_check = answer<Callback::kCheck, &Homeserver::check, mxd_uia_attempt>;
  host.now_ms = [](mxd_cookie cookie) noexcept { return from(cookie).now(); };
  host.log = [](mxd_cookie cookie, mxd_cookie, int32_t level, mxd_view text) noexcept {
    FaultyHost& self = from(cookie);
    const std::lock_guard lock(self.mutex_);
    self.log_.push_back({level, std::string(mxd::text(text))});
  };
  if (setup.bare) return host;
  host.put_device = answer<Callback::kPutDevice, &Homeserver::put_device, mxd_device_update>;
  host.mark_validated =
      answer<Callback::kMarkValidated, &Homeserver::mark_validated, mxd_validation>;
  host.take_limit = answer<Callback::kTakeLimit, &Homeserver::take_limit, mxd_limit_request>;
  host.cancel_operation = [](mxd_cookie cookie, mxd_op op) noexcept { from(cookie).cancel(op); };
  host.release_principal = [](mxd_cookie cookie, mxd_cookie principal) noexcept {
    from(cookie).release(principal);
  };
  host.random_bytes = [](mxd_cookie cookie, void* out, size_t size) noexcept {
    return from(cookie).random(out, size);
  };
  return host;
}

void FaultyHost::begin(const Setup& setup, const Fault* fault) {
  setup_ = setup;
  homeserver_.reset(setup);
  fault_ = fault;
  met_ = false;
  step_ = 0;
  sent_ = {};
  calls_.clear();
  asked_.clear();
}

bool FaultyHost::is_at_fault(Callback callback, int nth) const {
  if (fault_ == nullptr) return false;
  if (fault_->everywhere) return callback != Callback::kNow && callback != Callback::kRandom;
  return fault_->callback == callback &&
         (fault_->nth == nth || (fault_->always && nth > fault_->nth));
}

int32_t FaultyHost::deliver(Callback callback, Open open, Reply right) {
  if (!open_.empty()) complain("two operations of one request are open");
  open_.insert(open.op);
  for (auto& result : right.results) {
    if (result.kind == Kind::kPrincipal) result.cookie = ++last_principal_;
  }
  const int nth = ++calls_[callback];
  asked_.push_back({callback, nth, step_, right});
  if (is_at_fault(callback, nth)) {
    met_ = true;
    return deliver_fault(callback, open, std::move(right));
  }
  if (right.effect != nullptr) right.effect();
  note(callback, right);
  complete_once(open, right);
  return MXD_OK;
}

// What the fault makes of the right reply.
int32_t FaultyHost::deliver_fault(Callback callback, const Open& open, Reply right) {
  const Fault& fault = *fault_;
  Reply reply = std::move(right);
  if (fault.what == What::kStatus) {
    reply.status = static_cast<int32_t>(fault.status);
    if (!fault.done) {
      reply.results.clear();
      reply.effect = nullptr;
    }
  } else if (fault.what != What::kRight) {
    fault.spoil.apply(reply);
    if (fault.what == What::kRetry) reply.status = static_cast<int32_t>(fault.status);
    if (fault.what == What::kRetry) reply.effect = nullptr;
  }
  if (fault.how == How::kUntilCancelled) {
    reply.status = MXD_CANCELLED;
    reply.results.clear();
    reply.effect = nullptr;
  }
  if (reply.effect != nullptr) reply.effect();
  note(callback, reply);
  sent_ = reply;

  switch (fault.how) {
    case How::kReturned:
    case How::kReturnedThenLate:
      emit_all(open, reply);
      open_.erase(open.op);
      if (fault.how == How::kReturnedThenLate) {
        after_answer_.emplace_back([this, op = open.op, status = reply.status] {
          expect_stale(module_.complete(op, status), "completed after it was returned");
        });
      }
      return reply.status;
    case How::kCompleted:
      complete_once(open, reply);
      return MXD_OK;
    case How::kLate:
      late_.add([this, open, reply] { complete_once(open, reply); });
      return MXD_OK;
    case How::kCompletedAndReturned:
      complete_once(open, reply);
      return reply.status == MXD_INTERNAL ? MXD_UNAVAILABLE : MXD_INTERNAL;
    case How::kTwice:
    case How::kTwiceLate: {
      const auto twice = [this, open, reply] {
        complete_once(open, reply);
        expect_stale(module_.complete(open.op, MXD_INTERNAL), "completed twice");
      };
      if (fault.how == How::kTwice) {
        twice();
      } else {
        late_.add(twice);
      }
      return MXD_OK;
    }
    case How::kTwiceAtOnce: {
      emit_all(open, reply);
      open_.erase(open.op);
      const auto half = [this, op = open.op, status = reply.status] {
        const int32_t result = module_.complete(op, status);
        const std::lock_guard lock(mutex_);
        completions_.push_back(result);
      };
      late_.add(half);
      half();
      return MXD_OK;
    }
    case How::kUntilCancelled:
    case How::kOnCancel:
    case How::kAfterCancel: {
      const std::lock_guard lock(mutex_);
      held_.emplace(open, reply);
      return MXD_OK;
    }
    case How::kEmittedAfter:
      complete_once(open, reply);
      expect_stale(module_.emit_reason(open.op, mxd::view("CAUSE")), "emitted after completion");
      return MXD_OK;
  }
  return MXD_INTERNAL;
}

void FaultyHost::note(Callback callback, const Reply& reply) {
  if (callback == Callback::kAuthenticate) homeserver_.note_principal(reply);
  if (callback == Callback::kLoadSession) homeserver_.note_proofs(reply);
  if (callback == Callback::kCheck) homeserver_.note_proof(check_type_, reply);
}

void FaultyHost::emit_all(const Open& open, const Reply& reply) {
  for (const auto& result : reply.results) {
    // Before the emit: the module may be on the way to the answer once it returns.
    const bool takes = result.kind == Kind::kPrincipal && result.cookie != 0 &&
                       principals_.insert(result.cookie).second;
    const int32_t status = emit(module_, open.op, result);
    if (status != MXD_OK && status != MXD_INVALID_ARGUMENT) {
      complain("an emit returned " + std::to_string(status));
    }
    if (takes && status != MXD_OK) principals_.erase(result.cookie);
  }
}

void FaultyHost::complete_once(const Open& open, const Reply& reply) {
  emit_all(open, reply);
  const int32_t status = complete(open, reply.status);
  if (status != MXD_OK) complain("complete returned " + std::to_string(status));
}

int32_t FaultyHost::complete(const Open& open, int64_t status) {
  if (open.arguments() != open.at_first) complain("the arguments changed before the completion");
  open_.erase(open.op);
  return module_.complete(open.op, static_cast<int32_t>(status));
}

void FaultyHost::expect_stale(int32_t status, const char* what) {
  if (status != MXD_STALE) complain(std::string(what) + ": " + std::to_string(status));
}

void FaultyHost::respond(mxd_cookie request, const mxd_response& response) {
  if (request != last_request_) complain("an answer to a request that is answered");
  if (!principals_.empty() && !setup_.bare) complain("answered before the principal was released");
  principals_.clear();
  if (!open_.empty()) complain("answered with an operation open");
  Answer answer{.status = static_cast<int>(response.http_status),
                .body = std::string(mxd::text(response.body)),
                .headers = {}};
  for (size_t i = 0; i < response.header_count; ++i) {
    const mxd_header& header = response.headers[i];
    const bool added =
        answer.headers.emplace(mxd::text(header.name), mxd::text(header.value)).second;
    if (!added) complain("a header is there twice: " + std::string(mxd::text(header.name)));
  }
  const std::lock_guard lock(mutex_);
  ++answer_counts_[request];
  answers_[request] = std::move(answer);
  changed_.notify_all();
}

void FaultyHost::cancel(mxd_op op) {
  std::optional<std::pair<Open, Reply>> held;
  {
    const std::lock_guard lock(mutex_);
    if (!held_.has_value() || held_->first.op != op) {
      complaints_.emplace_back("cancel_operation for an operation that is not open");
      return;
    }
    if (fault_->how == How::kAfterCancel) return;
    held = std::exchange(held_, std::nullopt);
  }
  complete_once(held->first, held->second);
}

void FaultyHost::release(mxd_cookie principal) {
  if (principals_.erase(principal) == 0) complain("a principal was released that is not taken");
}

int64_t FaultyHost::now() {
  const int nth = ++calls_[Callback::kNow];
  asked_.push_back({Callback::kNow, nth, step_, {}});
  const bool at_fault = is_at_fault(Callback::kNow, nth);
  met_ = met_ || at_fault;
  const int64_t time = at_fault ? fault_->status : homeserver_.now_ms;
  homeserver_.told_ms = std::clamp<int64_t>(time, 0, int64_t{1} << 53);
  return time;
}

int32_t FaultyHost::random(void* out, size_t size) {
  // Bytes that differ each time are enough here.
  auto* const bytes = static_cast<unsigned char*>(out);
  ++random_;
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<unsigned char>((random_ >> (8 * (i % 8))) + 31 * i);
  const int nth = ++calls_[Callback::kRandom];
  asked_.push_back({Callback::kRandom, nth, step_, {}});
  if (!is_at_fault(Callback::kRandom, nth)) return MXD_OK;
  met_ = true;
  return static_cast<int32_t>(fault_->status);
}

Answer FaultyHost::send(mxd_instance* instance, mxd_request request) {
  const mxd_cookie id = ++last_request_;
  request.cookie = id;
  mxd_request_token token = 0;
  const int32_t handled = module_.handle(instance, &request, &token);
  if (handled != MXD_OK) {
    complain("handle returned " + std::to_string(handled));
    return {};
  }
  std::unique_lock lock(mutex_);
  const auto answered = [&] { return answers_.contains(id); };
  const auto wait = [&](const auto& condition) {
    if (changed_.wait_for(lock, std::chrono::seconds(30), condition)) return;
    std::fprintf(stderr, "%s: no answer after 30 s\n", name_.c_str());
    std::abort();
  };
  wait([&] { return answered() || held_.has_value(); });
  if (!answered()) {
    lock.unlock();
    if (module_.cancel(token) != MXD_OK) complain("cancel of a request that is not answered");
    lock.lock();
    if (const auto held = std::exchange(held_, std::nullopt)) {
      lock.unlock();
      complete_once(held->first, held->second);
      lock.lock();
    }
    wait(answered);
  }
  const Answer answer = answers_[id];
  lock.unlock();
  settle();
  if (module_.cancel(token) != MXD_STALE) complain("cancel of a request that is answered");
  return answer;
}

void FaultyHost::settle() {
  late_.finish();
  for (const auto& act : std::exchange(after_answer_, {}))
    act();
  const std::lock_guard lock(mutex_);
  for (const auto& [request, count] : std::exchange(answer_counts_, {})) {
    if (count != 1) complaints_.push_back(std::to_string(count) + " answers to one request");
  }
  answers_.clear();
  if (completions_.empty()) return;
  const auto taken = std::count(completions_.begin(), completions_.end(), MXD_OK);
  const auto stale = std::count(completions_.begin(), completions_.end(), MXD_STALE);
  if (taken != stale || taken + stale != static_cast<ptrdiff_t>(completions_.size())) {
    complaints_.emplace_back("of two completions at once, not one was taken and one stale");
  }
  completions_.clear();
}

std::vector<LogLine> FaultyHost::take_log() {
  const std::lock_guard lock(mutex_);
  return std::exchange(log_, {});
}

std::vector<std::string> FaultyHost::take_complaints() {
  const std::lock_guard lock(mutex_);
  auto complaints = std::exchange(complaints_, {});
  for (auto& complaint : homeserver_.take_complaints())
    complaints.push_back(std::move(complaint));
  return complaints;
}

void FaultyHost::complain(std::string what) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(std::move(what));
}

}  // namespace mxd::sweep
