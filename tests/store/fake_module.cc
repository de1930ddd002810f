#include "tests/store/fake_module.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace mxd::test {
namespace {

std::mutex mutex;
std::condition_variable completed;
std::deque<Answer> answers;  // of operation 1, 2, …
uint64_t completions = 0;

std::string text(mxd_view view) {
  return view.size == 0 ? "" : std::string(view.data, view.size);
}

Answer& answer_of(mxd_op op) {
  return answers[op - 1];
}

int32_t complete(mxd_op op, int32_t status) noexcept {
  const std::lock_guard lock(mutex);
  Answer& answer = answer_of(op);
  answer.status = status;
  answer.completion_order = ++completions;
  if (++answer.completions > 1) return MXD_STALE;
  completed.notify_all();
  return MXD_OK;
}

// Records a result; one that comes after the completion is refused.
template <class Note>
int32_t record(mxd_op op, Note&& note) {
  const std::lock_guard lock(mutex);
  if (answer_of(op).completions != 0) return MXD_STALE;
  note(answer_of(op));
  return MXD_OK;
}

int32_t emit_principal(mxd_op op, const mxd_principal* p) noexcept {
  return record(op, [&](Answer& answer) {
    answer.principals.push_back({p->flags, p->validated_ms, text(p->user_id), text(p->device_id),
                                 text(p->token_id), text(p->service_id), p->cookie});
  });
}

int32_t emit_device(mxd_op op, const mxd_device* d) noexcept {
  return record(op, [&](Answer& answer) {
    Device device;
    device.device_id = text(d->device_id);
    if ((d->flags & MXD_DEVICE_HAS_DISPLAY_NAME) != 0) device.display_name = text(d->display_name);
    if ((d->flags & MXD_DEVICE_HAS_LAST_SEEN_IP) != 0) device.last_seen_ip = text(d->last_seen_ip);
    if ((d->flags & MXD_DEVICE_HAS_LAST_SEEN_TS) != 0) device.last_seen_ts_ms = d->last_seen_ts_ms;
    answer.devices.push_back(std::move(device));
  });
}

int32_t emit_stage(mxd_op op, const mxd_uia_stage* s) noexcept {
  return record(op, [&](Answer& answer) { answer.stages.emplace_back(s->flow, text(s->type)); });
}

int32_t emit_session_id(mxd_op op, mxd_view id) noexcept {
  return record(op, [&](Answer& answer) { answer.session_id = text(id); });
}

int32_t emit_session(mxd_op op, const mxd_uia_kept* s) noexcept {
  return record(op, [&](Answer& answer) { answer.session = Kept{s->revision, text(s->state)}; });
}

int32_t emit_completed(mxd_op op, const mxd_uia_completed* s) noexcept {
  return record(
      op, [&](Answer& answer) { answer.completed.emplace_back(text(s->type), text(s->identity)); });
}

int32_t emit_identity(mxd_op op, mxd_view user_id) noexcept {
  return record(op, [&](Answer& answer) { answer.identity = text(user_id); });
}

int32_t emit_reason(mxd_op op, mxd_view reason) noexcept {
  return record(op, [&](Answer& answer) { answer.reason = text(reason); });
}

int32_t emit_error(mxd_op op, const mxd_error* error) noexcept {
  return record(op, [&](Answer& answer) { answer.errcode = text(error->errcode); });
}

int32_t emit_retry_after(mxd_op op, int64_t wait_ms) noexcept {
  return record(op, [&](Answer& answer) { answer.retry_after_ms = wait_ms; });
}

}  // namespace

const mxd_module& fake_module() {
  static const mxd_module module = [] {
    mxd_module made{};
    made.size = sizeof made;
    made.abi_minor = MXD_ABI_MINOR;
    made.complete = complete;
    made.emit_principal = emit_principal;
    made.emit_device = emit_device;
    made.emit_stage = emit_stage;
    made.emit_session_id = emit_session_id;
    made.emit_session = emit_session;
    made.emit_completed = emit_completed;
    made.emit_identity = emit_identity;
    made.emit_reason = emit_reason;
    made.emit_error = emit_error;
    made.emit_retry_after = emit_retry_after;
    return made;
  }();
  return module;
}

mxd_op new_operation() {
  const std::lock_guard lock(mutex);
  answers.emplace_back();
  return answers.size();
}

Answer wait_for(mxd_op op) {
  std::unique_lock lock(mutex);
  completed.wait(lock, [op] { return answer_of(op).completions != 0; });
  return answer_of(op);
}

bool is_complete(mxd_op op) {
  const std::lock_guard lock(mutex);
  return answer_of(op).completions != 0;
}

}  // namespace mxd::test
