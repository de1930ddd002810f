#include "tests/sweep/result.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "matrix_devices/module.hpp"

namespace mxd::sweep {
namespace {

// The most that a grown record is larger than the header's.
constexpr size_t kMostGrowth = 64;

mxd_view view_of(const Text& text) {
  return text.no_data ? mxd_view{nullptr, text.bytes.size()} : mxd::view(text.bytes);
}

mxd_view view_of(const Result& result, size_t index) {
  return index < result.texts.size() ? view_of(result.texts[index]) : mxd_view{};
}

// Emits a record that lies in memory of its own, no longer than its size says, so that a sanitizer
// sees who reads past it.
template <class Record>
int32_t emit_record(const Result& result, Record record, mxd_op op,
                    int32_t (*emit)(mxd_op, const Record*) noexcept) {
  if (result.no_record) return emit(op, nullptr);
  record.size = result.size.value_or(sizeof record);
  const size_t bytes = std::clamp<size_t>(record.size, sizeof record.size, sizeof record);
  const size_t room = std::min<size_t>(std::max<size_t>(record.size, sizeof record.size),
                                       sizeof record + kMostGrowth);
  const std::unique_ptr<unsigned char[]> place(new unsigned char[room]);
  std::memset(place.get(), 0xAA, room);
  std::memcpy(place.get(), &record, bytes);
  return emit(op, reinterpret_cast<const Record*>(place.get()));
}

}  // namespace

std::string_view record_name(Kind kind) {
  switch (kind) {
    case Kind::kPrincipal:
      return "mxd_principal";
    case Kind::kDevice:
      return "mxd_device";
    case Kind::kStage:
      return "mxd_uia_stage";
    case Kind::kSession:
      return "mxd_uia_kept";
    case Kind::kCompleted:
      return "mxd_uia_completed";
    case Kind::kError:
      return "mxd_error";
    default:
      return {};
  }
}

uint32_t size_1_0(Kind kind) {
  switch (kind) {
    case Kind::kPrincipal:
      return MXD_PRINCIPAL_SIZE_1_0;
    case Kind::kDevice:
      return MXD_DEVICE_SIZE_1_0;
    case Kind::kStage:
      return MXD_UIA_STAGE_SIZE_1_0;
    case Kind::kSession:
      return MXD_UIA_KEPT_SIZE_1_0;
    case Kind::kCompleted:
      return MXD_UIA_COMPLETED_SIZE_1_0;
    case Kind::kError:
      return MXD_ERROR_SIZE_1_0;
    default:
      return 0;
  }
}

int32_t emit(const mxd_module& module, mxd_op op, const Result& result) {
  const auto text = [&](size_t index) { return view_of(result, index); };
  switch (result.kind) {
    case Kind::kPrincipal: {
      auto record = mxd::make<mxd_principal>();
      record.flags = result.flags;
      record.validated_ms = result.number;
      record.user_id = text(0);
      record.device_id = text(1);
      record.token_id = text(2);
      record.service_id = text(3);
      record.cookie = result.cookie;
      return emit_record(result, record, op, module.emit_principal);
    }
    case Kind::kDevice: {
      auto record = mxd::make<mxd_device>();
      record.flags = result.flags;
      record.last_seen_ts_ms = result.number;
      record.device_id = text(0);
      record.display_name = text(1);
      record.last_seen_ip = text(2);
      return emit_record(result, record, op, module.emit_device);
    }
    case Kind::kStage: {
      auto record = mxd::make<mxd_uia_stage>();
      record.flags = result.flags;
      record.flow = static_cast<uint32_t>(result.number);
      record.type = text(0);
      record.params = text(1);
      return emit_record(result, record, op, module.emit_stage);
    }
    case Kind::kSessionId:
      return module.emit_session_id(op, text(0));
    case Kind::kSession: {
      auto record = mxd::make<mxd_uia_kept>();
      record.flags = result.flags;
      record.revision = result.number;
      record.state = text(0);
      return emit_record(result, record, op, module.emit_session);
    }
    case Kind::kCompleted: {
      auto record = mxd::make<mxd_uia_completed>();
      record.flags = result.flags;
      record.type = text(0);
      record.identity = text(1);
      return emit_record(result, record, op, module.emit_completed);
    }
    case Kind::kIdentity:
      return module.emit_identity(op, text(0));
    case Kind::kReason:
      return module.emit_reason(op, text(0));
    case Kind::kRetryAfter:
      return module.emit_retry_after(op, result.number);
    case Kind::kError: {
      auto record = mxd::make<mxd_error>();
      record.http_status = result.http_status;
      record.retry_after_ms = result.number;
      record.errcode = text(0);
      record.text = text(1);
      record.extra_json = text(2);
      return emit_record(result, record, op, module.emit_error);
    }
  }
  return MXD_INTERNAL;
}

Result principal(std::string_view user, std::string_view device, std::string_view token_id,
                 std::string_view service, uint32_t flags) {
  Result result{.kind = Kind::kPrincipal, .flags = flags};
  for (const auto text : {user, device, token_id, service})
    result.texts.push_back({std::string(text)});
  return result;
}

Result device(std::string_view id, std::string_view name) {
  Result result{.kind = Kind::kDevice,
                .flags = MXD_DEVICE_HAS_DISPLAY_NAME | MXD_DEVICE_HAS_LAST_SEEN_IP |
                         MXD_DEVICE_HAS_LAST_SEEN_TS,
                .number = 1'700'000'000'000};
  for (const auto text : {id, name, std::string_view("192.0.2.7")})
    result.texts.push_back({std::string(text)});
  return result;
}

Result stage(uint32_t flow, std::string_view type, std::string_view params) {
  return {
      .kind = Kind::kStage, .number = flow, .texts = {{std::string(type)}, {std::string(params)}}};
}

Result session_id(std::string_view id) {
  return {.kind = Kind::kSessionId, .texts = {{std::string(id)}}};
}

Result session(int64_t revision, std::string_view state) {
  return {.kind = Kind::kSession, .number = revision, .texts = {{std::string(state)}}};
}

Result completed(std::string_view type, std::string_view identity) {
  return {.kind = Kind::kCompleted, .texts = {{std::string(type)}, {std::string(identity)}}};
}

Result identity(std::string_view user) {
  return {.kind = Kind::kIdentity, .texts = {{std::string(user)}}};
}

Result reason(std::string_view text) {
  return {.kind = Kind::kReason, .texts = {{std::string(text)}}};
}

Result retry_after(int64_t ms) {
  return {.kind = Kind::kRetryAfter, .number = ms};
}

Result error(uint32_t http_status, std::string_view errcode, std::string_view text) {
  return {.kind = Kind::kError,
          .number = -1,
          .http_status = http_status,
          .texts = {{std::string(errcode)}, {std::string(text)}, {}}};
}

}  // namespace mxd::sweep
