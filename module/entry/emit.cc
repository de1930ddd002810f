#include "module/entry/emit.h"

#include <cstring>

#include "module/async/drain.h"
#include "module/async/slot.h"
#include "module/entry/guard.h"
#include "module/entry/instance.h"
#include "module/host/results.h"

namespace mxd::entry {
namespace {

using async::Slot;
using host::Results;
using host::text;
using Reply = Slot::Reply;

// The host used a token that names nothing open. Said in the log of the instance that the token
// once belonged to, if that is still there.
int32_t refuse_stale(Slot* slot, std::string_view message) noexcept {
  async::Gate* gate = slot == nullptr ? nullptr : slot->pin();
  if (gate != nullptr) {
    static_cast<mxd_instance*>(gate->instance())->host.log(0, MXD_LOG_HOST_MISBEHAVING, message);
    gate->leave();
  }
  return MXD_STALE;
}

void go_on(Slot& slot, Reply reply) noexcept {
  if (reply == Reply::kResume) async::run(slot);
}

// Hands a result to whoever asked for it. A result that can't be taken in makes the operation a
// failure: a part of a list must not pass for the whole (G4).
template <class Deliver>
int32_t emit(mxd_op op, Deliver&& deliver) noexcept {
  Slot* slot = Slot::find(op);
  Reply reply = Reply::kStale;
  auto* results = slot == nullptr ? nullptr : static_cast<Results*>(slot->borrow_sink(op, reply));
  if (results == nullptr) {
    if (reply == Reply::kBusy) return MXD_BUSY;
    return refuse_stale(slot, "a result was emitted into an operation that is not open");
  }
  const int32_t status = guarded([&] { return deliver(*results); });
  if (status == MXD_NO_MEMORY) results->lack_memory();
  go_on(*slot, slot->return_sink());
  return status;
}

constexpr const char* kNullView = "passed a view whose data is NULL and whose size is not 0, in ";
constexpr const char* kShortRecord =
    "passed a record that is NULL or whose size is below that of version 1.0, an ";

// What version 1.0 of a record is, and its name.
struct RecordType {
  const char* name;
  uint32_t size_1_0;
};

bool is_text(mxd_view view) noexcept {
  return view.data != nullptr || view.size == 0;
}

// Takes in a record of the host's, as this module knows it: what the host does not know of is zero.
// `texts` are its views; `deliver` hands it to whoever asked for it.
template <class Record, class... Texts, class Deliver>
int32_t emit_record(mxd_op op, const Record* from, RecordType type, Deliver&& deliver,
                    Texts... texts) noexcept {
  return emit(op, [&](Results& results) {
    if (from == nullptr || from->size < type.size_1_0) {
      return results.fault(kShortRecord, type.name);
    }
    Record whole;
    const Record* record = from;
    if (from->size < sizeof whole) {
      whole = {};
      std::memcpy(&whole, from, from->size);
      record = &whole;
    }
    if (!(is_text(record->*texts) && ...)) return results.fault(kNullView, type.name);
    return deliver(results, *record);
  });
}

template <class Deliver>
int32_t emit_text(mxd_op op, mxd_view view, const char* name, Deliver&& deliver) noexcept {
  return emit(op, [&](Results& results) {
    return is_text(view) ? deliver(results, text(view)) : results.fault(kNullView, name);
  });
}

}  // namespace

int32_t complete(mxd_op op, int32_t status) noexcept {
  Slot* slot = Slot::find(op);
  const Reply reply = slot == nullptr ? Reply::kStale : slot->complete(op, status);
  if (reply == Reply::kStale) {
    return refuse_stale(slot, "an operation was completed that is not open");
  }
  go_on(*slot, reply);
  return MXD_OK;
}

int32_t emit_principal(mxd_op op, const mxd_principal* principal) noexcept {
  using Record = mxd_principal;
  return emit_record(
      op, principal, {"mxd_principal", MXD_PRINCIPAL_SIZE_1_0},
      [](Results& results, const Record& record) { return results.principal(record); },
      &Record::user_id, &Record::device_id, &Record::token_id, &Record::service_id);
}

int32_t emit_device(mxd_op op, const mxd_device* device) noexcept {
  using Record = mxd_device;
  return emit_record(
      op, device, {"mxd_device", MXD_DEVICE_SIZE_1_0},
      [](Results& results, const Record& record) { return results.device(record); },
      &Record::device_id, &Record::display_name, &Record::last_seen_ip);
}

int32_t emit_stage(mxd_op op, const mxd_uia_stage* stage) noexcept {
  using Record = mxd_uia_stage;
  return emit_record(
      op, stage, {"mxd_uia_stage", MXD_UIA_STAGE_SIZE_1_0},
      [](Results& results, const Record& record) { return results.stage(record); }, &Record::type,
      &Record::params);
}

int32_t emit_session_id(mxd_op op, mxd_view session_id) noexcept {
  return emit_text(op, session_id, "a session ID",
                   [](Results& results, auto text) { return results.session_id(text); });
}

int32_t emit_session(mxd_op op, const mxd_uia_kept* session) noexcept {
  using Record = mxd_uia_kept;
  return emit_record(
      op, session, {"mxd_uia_kept", MXD_UIA_KEPT_SIZE_1_0},
      [](Results& results, const Record& record) { return results.session(record); },
      &Record::state);
}

int32_t emit_completed(mxd_op op, const mxd_uia_completed* stage) noexcept {
  using Record = mxd_uia_completed;
  return emit_record(
      op, stage, {"mxd_uia_completed", MXD_UIA_COMPLETED_SIZE_1_0},
      [](Results& results, const Record& record) { return results.completed(record); },
      &Record::type, &Record::identity);
}

int32_t emit_identity(mxd_op op, mxd_view user_id) noexcept {
  return emit_text(op, user_id, "an identity",
                   [](Results& results, auto text) { return results.identity(text); });
}

int32_t emit_reason(mxd_op op, mxd_view reason) noexcept {
  return emit_text(op, reason, "a reason",
                   [](Results& results, auto text) { return results.reason(text); });
}

int32_t emit_retry_after(mxd_op op, int64_t retry_after_ms) noexcept {
  return emit(op, [&](Results& results) { return results.retry_after(retry_after_ms); });
}

int32_t emit_error(mxd_op op, const mxd_error* error) noexcept {
  using Record = mxd_error;
  return emit_record(
      op, error, {"mxd_error", MXD_ERROR_SIZE_1_0},
      [](Results& results, const Record& record) { return results.error(record); },
      &Record::errcode, &Record::text, &Record::extra_json);
}

}  // namespace mxd::entry
