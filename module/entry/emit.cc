#include "module/entry/emit.h"

#include <algorithm>
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

// A host's record as this module knows it: what the host does not know of is zero.
template <class Record>
bool read(const Record* from, size_t size_of_version_1_0, Record& record) noexcept {
  if (from == nullptr || from->size < size_of_version_1_0) return false;
  record = Record{};
  std::memcpy(&record, from, std::min<size_t>(from->size, sizeof record));
  return true;
}

bool is_text(mxd_view view) noexcept {
  return view.data != nullptr || view.size == 0;
}

template <class... Views>
bool are_text(const Views&... views) noexcept {
  return (is_text(views) && ...);
}

constexpr const char* kNullView = "passed a view whose data is NULL and whose size is not 0";
constexpr const char* kShortRecord = "passed a record that is NULL or shorter than in version 1.0";

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
  return emit(op, [&](Results& results) {
    mxd_principal record;
    if (!read(principal, sizeof record, record)) return results.fault(kShortRecord);
    if (!are_text(record.user_id, record.device_id, record.token_id, record.service_id)) {
      return results.fault(kNullView);
    }
    return results.principal(record);
  });
}

int32_t emit_device(mxd_op op, const mxd_device* device) noexcept {
  return emit(op, [&](Results& results) {
    mxd_device record;
    if (!read(device, sizeof record, record)) return results.fault(kShortRecord);
    if (!are_text(record.device_id, record.display_name, record.last_seen_ip)) {
      return results.fault(kNullView);
    }
    return results.device(record);
  });
}

int32_t emit_flow_stage(mxd_op op, uint32_t flow, mxd_view type) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(type) ? results.flow_stage(flow, text(type)) : results.fault(kNullView);
  });
}

int32_t emit_params(mxd_op op, mxd_view type, mxd_view json_object) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(type, json_object) ? results.params(text(type), text(json_object))
                                       : results.fault(kNullView);
  });
}

int32_t emit_session_id(mxd_op op, mxd_view session_id) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(session_id) ? results.session_id(text(session_id)) : results.fault(kNullView);
  });
}

int32_t emit_session(mxd_op op, const mxd_session* session) noexcept {
  return emit(op, [&](Results& results) {
    mxd_session record;
    if (!read(session, sizeof record, record)) return results.fault(kShortRecord);
    if (!are_text(record.user_id, record.device_id, record.token_id, record.method, record.endpoint,
                  record.target, record.path_device_id, record.body, record.body_digest,
                  record.finished_digest, record.description)) {
      return results.fault(kNullView);
    }
    return results.session(record);
  });
}

int32_t emit_completed_stage(mxd_op op, mxd_view type, mxd_view identity) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(type, identity) ? results.completed_stage(text(type), text(identity))
                                    : results.fault(kNullView);
  });
}

int32_t emit_identity(mxd_op op, mxd_view user_id) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(user_id) ? results.identity(text(user_id)) : results.fault(kNullView);
  });
}

int32_t emit_reason(mxd_op op, mxd_view reason) noexcept {
  return emit(op, [&](Results& results) {
    return are_text(reason) ? results.reason(text(reason)) : results.fault(kNullView);
  });
}

int32_t emit_retry_after(mxd_op op, int64_t retry_after_ms) noexcept {
  return emit(op, [&](Results& results) { return results.retry_after(retry_after_ms); });
}

int32_t emit_error(mxd_op op, const mxd_error* error) noexcept {
  return emit(op, [&](Results& results) {
    mxd_error record;
    if (!read(error, sizeof record, record)) return results.fault(kShortRecord);
    if (!are_text(record.errcode, record.text, record.extra_json)) {
      return results.fault(kNullView);
    }
    return results.error(record);
  });
}

}  // namespace mxd::entry
