#include "abi/check/emit.h"

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "abi/check/guard.h"
#include "abi/check/operation.h"
#include "abi/check/report.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

constexpr size_t kMaxId = 255;
constexpr size_t kMaxState = 256 * 1024;
constexpr uint32_t kMaxFlows = 32;
constexpr size_t kMaxStagesOfFlow = 16;

// What is wrong with a text, or nullptr. U+0000 is allowed where `kNul` is.
template <bool kNul = false>
const char* fault_of(mxd_view view, size_t least, size_t most) {
  if (view.data == nullptr && view.size != 0) return "a text is NULL with a size";
  if (view.size < least) return "a text that must be there is empty";
  if (view.size > most) return "a text is too long";
  if (!is_utf8(text(view))) return "a text is not UTF-8";
  if (!kNul && text(view).find('\0') != std::string_view::npos) return "a text holds U+0000";
  if (was_read_late(text(view))) return kReadLate;
  return nullptr;
}

// Emits an object with a size into an operation.
template <class Record, class Store>
int32_t emit(mxd_op op, Emits kind, const char* name, const Record* record, size_t least,
             Store&& store) noexcept {
  return guarded([&] {
    const auto operation = Operation::find(op);
    if (operation == nullptr) return MXD_STALE;
    return operation->emit(kind, name, [&](Answer& answer) -> const char* {
      if (record == nullptr) return "the record is NULL";
      if (record->size < least) return "the record's size is below that of version 1.0";
      return store(answer, *record);
    });
  });
}

template <class Store>
int32_t emit(mxd_op op, Emits kind, const char* name, Store&& store) noexcept {
  return guarded([&] {
    const auto operation = Operation::find(op);
    return operation == nullptr ? MXD_STALE : operation->emit(kind, name, store);
  });
}

int32_t emit_principal(mxd_op op, const mxd_principal* record) noexcept {
  return emit(op, kPrincipal, "emit_principal", record, MXD_PRINCIPAL_SIZE_1_0,
              [](Answer& answer, const mxd_principal& from) -> const char* {
                if (const char* fault = fault_of(from.user_id, 1, kMaxId)) return fault;
                if (const char* fault = fault_of(from.device_id, 0, kMaxId)) return fault;
                if (const char* fault = fault_of(from.token_id, 0, kMaxId)) return fault;
                if (const char* fault = fault_of(from.service_id, 0, kMaxId)) return fault;
                if (from.device_id.size == 0 && from.token_id.size == 0) {
                  return "token_id must be there where device_id is empty";
                }
                if ((from.flags & MXD_PRINCIPAL_APPSERVICE) != 0 && from.service_id.size == 0) {
                  return "service_id must be there with MXD_PRINCIPAL_APPSERVICE";
                }
                if ((from.flags & MXD_PRINCIPAL_HAS_VALIDATED_MS) != 0 && from.validated_ms < 0) {
                  return "validated_ms is negative";
                }
                answer.principal.emplace(
                    Principal{from.flags, from.validated_ms, std::string(text(from.user_id)),
                              std::string(text(from.device_id)), std::string(text(from.token_id)),
                              std::string(text(from.service_id)), from.cookie});
                return nullptr;
              });
}

int32_t emit_device(mxd_op op, const mxd_device* record) noexcept {
  return emit(op, kDevice, "emit_device", record, MXD_DEVICE_SIZE_1_0,
              [](Answer& answer, const mxd_device& from) -> const char* {
                if (const char* fault = fault_of(from.device_id, 1, kMaxId)) return fault;
                Device device;
                device.device_id = text(from.device_id);
                if ((from.flags & MXD_DEVICE_HAS_DISPLAY_NAME) != 0) {
                  if (const char* fault = fault_of<true>(from.display_name, 0, SIZE_MAX)) {
                    return fault;
                  }
                  device.display_name.emplace(text(from.display_name));
                }
                if ((from.flags & MXD_DEVICE_HAS_LAST_SEEN_IP) != 0) {
                  if (const char* fault = fault_of<true>(from.last_seen_ip, 0, SIZE_MAX)) {
                    return fault;
                  }
                  device.last_seen_ip.emplace(text(from.last_seen_ip));
                }
                if ((from.flags & MXD_DEVICE_HAS_LAST_SEEN_TS) != 0) {
                  if (from.last_seen_ts_ms < 0) return "last_seen_ts_ms is negative";
                  device.last_seen_ts_ms = from.last_seen_ts_ms;
                }
                answer.devices.push_back(std::move(device));
                return nullptr;
              });
}

bool is_json_object(std::string_view text) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  return !error && value.is_object();
}

// The stages of each flow come together, the flows in order.
const char* fault_of_place(const std::vector<Stage>& before, uint32_t flow) {
  const uint32_t last = before.empty() ? 0 : before.back().flow;
  const bool follows = before.empty() ? flow == 0 : flow == last || flow == last + 1;
  if (!follows) return "flow is not that of the stage before, nor the next";
  if (flow >= kMaxFlows) return "there are more than 32 flows";
  size_t stages = 0;
  for (const Stage& stage : before)
    stages += stage.flow == flow ? 1 : 0;
  return stages >= kMaxStagesOfFlow ? "a flow has more than 16 stages" : nullptr;
}

int32_t emit_stage(mxd_op op, const mxd_uia_stage* record) noexcept {
  return emit(op, kStage, "emit_stage", record, MXD_UIA_STAGE_SIZE_1_0,
              [](Answer& answer, const mxd_uia_stage& from) -> const char* {
                if (const char* fault = fault_of(from.type, 1, kMaxId)) return fault;
                if (const char* fault = fault_of(from.params, 0, SIZE_MAX)) return fault;
                if (from.params.size != 0 && !is_json_object(text(from.params))) {
                  return "params is not a JSON object";
                }
                if (const char* fault = fault_of_place(answer.stages, from.flow)) return fault;
                answer.stages.push_back(Stage{from.flow, from.flags, std::string(text(from.type)),
                                              std::string(text(from.params))});
                return nullptr;
              });
}

int32_t emit_session_id(mxd_op op, mxd_view session_id) noexcept {
  return emit(op, kSessionId, "emit_session_id", [&](Answer& answer) -> const char* {
    if (const char* fault = fault_of(session_id, 1, kMaxId)) return fault;
    answer.session_id.emplace(text(session_id));
    return nullptr;
  });
}

int32_t emit_session(mxd_op op, const mxd_uia_kept* record) noexcept {
  return emit(op, kSession, "emit_session", record, MXD_UIA_KEPT_SIZE_1_0,
              [](Answer& answer, const mxd_uia_kept& from) -> const char* {
                if (from.revision < 1) return "revision is below 1";
                if (const char* fault = fault_of(from.state, 1, kMaxState)) return fault;
                answer.kept.emplace(Kept{from.revision, std::string(text(from.state))});
                return nullptr;
              });
}

int32_t emit_completed(mxd_op op, const mxd_uia_completed* record) noexcept {
  return emit(op, kCompleted, "emit_completed", record, MXD_UIA_COMPLETED_SIZE_1_0,
              [](Answer&, const mxd_uia_completed& from) -> const char* {
                if (const char* fault = fault_of(from.type, 1, kMaxId)) return fault;
                return fault_of(from.identity, 0, kMaxId);
              });
}

int32_t emit_identity(mxd_op op, mxd_view user_id) noexcept {
  return emit(op, kIdentity, "emit_identity", [&](Answer& answer) -> const char* {
    if (const char* fault = fault_of(user_id, 0, kMaxId)) return fault;
    answer.identity.emplace(text(user_id));
    return nullptr;
  });
}

int32_t emit_reason(mxd_op op, mxd_view reason) noexcept {
  return emit(op, kReason, "emit_reason",
              [&](Answer&) -> const char* { return fault_of(reason, 0, SIZE_MAX); });
}

int32_t emit_retry_after(mxd_op op, int64_t retry_after_ms) noexcept {
  return emit(op, kRetryAfter, "emit_retry_after", [&](Answer& answer) -> const char* {
    if (retry_after_ms < 0) return "retry_after_ms is negative";
    answer.retry_after_ms = retry_after_ms;
    return nullptr;
  });
}

bool is_of_uia(Callback callback) {
  return row(callback).name.substr(0, 4) == "uia_";
}

int32_t emit_error(mxd_op op, const mxd_error* record) noexcept {
  const auto operation = Operation::find(op);
  const bool of_uia = operation != nullptr && is_of_uia(operation->callback());
  return emit(op, kError, "emit_error", record, MXD_ERROR_SIZE_1_0,
              [of_uia](Answer&, const mxd_error& from) -> const char* {
                if (from.http_status < 400 || from.http_status > 599) {
                  return "http_status is not 400 to 599";
                }
                if (of_uia && from.http_status == 401) return "http_status is 401";
                if (const char* fault = fault_of(from.errcode, 1, kMaxId)) return fault;
                if (text(from.errcode).substr(0, 2) != "M_" &&
                    text(from.errcode).find('.') == std::string_view::npos) {
                  return "errcode is neither M_… nor namespaced";
                }
                if (const char* fault = fault_of(from.text, 0, SIZE_MAX)) return fault;
                if (const char* fault = fault_of(from.extra_json, 0, SIZE_MAX)) return fault;
                if (from.extra_json.size != 0 && !is_json_object(text(from.extra_json))) {
                  return "extra_json is not a JSON object";
                }
                return nullptr;
              });
}

}  // namespace

void fill_emits(mxd_module& table) noexcept {
  table.emit_principal = &emit_principal;
  table.emit_device = &emit_device;
  table.emit_stage = &emit_stage;
  table.emit_session_id = &emit_session_id;
  table.emit_session = &emit_session;
  table.emit_completed = &emit_completed;
  table.emit_identity = &emit_identity;
  table.emit_reason = &emit_reason;
  table.emit_retry_after = &emit_retry_after;
  table.emit_error = &emit_error;
}

}  // namespace mxd::check
