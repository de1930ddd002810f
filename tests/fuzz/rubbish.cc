#include "tests/fuzz/rubbish.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace mxd::fuzz {
namespace {

// Emits a copy of the record that is just as long as its `size` says, so that a look behind it is
// one outside of the heap.
template <class Record, class Emit>
void emit_cut(Record record, unsigned char cut, const Emit& emit) {
  const size_t size =
      cut % 4 != 0 ? sizeof record : std::max(sizeof record.size, cut % (sizeof record + 1));
  record.size = static_cast<uint32_t>(size);
  const std::unique_ptr<std::byte[]> copy(new std::byte[size]);
  std::memcpy(copy.get(), &record, size);
  emit(reinterpret_cast<const Record*>(copy.get()));
}

}  // namespace

void Rubbish::emit(const mxd_module& module, mxd_op op) {
  const auto kind = static_cast<unsigned char>(number_());
  const auto cut = static_cast<unsigned char>(number_());
  switch (kind % 10) {
    case 0:
      return emit_cut(principal(), cut, [&](const auto* r) { module.emit_principal(op, r); });
    case 1:
      return emit_cut(device(), cut, [&](const auto* r) { module.emit_device(op, r); });
    case 2:
      return emit_cut(session(), cut, [&](const auto* r) { module.emit_session(op, r); });
    case 3:
      return emit_cut(error(), cut, [&](const auto* r) { module.emit_error(op, r); });
    case 4:
      return emit_cut(stage(), cut, [&](const auto* r) { module.emit_stage(op, r); });
    case 5:
      return emit_cut(completed(), cut, [&](const auto* r) { module.emit_completed(op, r); });
    case 6:
      module.emit_session_id(op, text_());
      return;
    case 7:
      module.emit_identity(op, text_());
      return;
    case 8:
      module.emit_reason(op, text_());
      return;
    default:
      module.emit_retry_after(op, integer());
      return;
  }
}

int64_t Rubbish::integer() {
  constexpr int64_t kEnds[] = {INT64_MIN,  INT64_MIN + 1, -1,       INT32_MAX, UINT32_MAX - 1,
                               UINT32_MAX, INT64_MAX - 1, INT64_MAX};
  const auto byte = static_cast<unsigned char>(number_());
  return byte < 0xF8 ? byte - '@' : kEnds[byte - 0xF8];
}

mxd_principal Rubbish::principal() {
  mxd_principal made{};
  made.flags = flags();
  made.validated_ms = integer();
  made.user_id = text_();
  made.device_id = text_();
  made.token_id = text_();
  made.service_id = text_();
  return made;
}

mxd_device Rubbish::device() {
  mxd_device made{};
  made.flags = flags();
  made.last_seen_ts_ms = integer();
  made.device_id = text_();
  made.display_name = text_();
  made.last_seen_ip = text_();
  return made;
}

mxd_uia_stage Rubbish::stage() {
  mxd_uia_stage made{};
  made.flags = flags();
  made.flow = static_cast<uint32_t>(integer());
  made.type = text_();
  made.params = text_();
  return made;
}

mxd_uia_kept Rubbish::session() {
  mxd_uia_kept made{};
  made.flags = flags();
  made.revision = integer();
  made.state = text_();
  return made;
}

mxd_uia_completed Rubbish::completed() {
  mxd_uia_completed made{};
  made.flags = flags();
  made.type = text_();
  made.identity = text_();
  return made;
}

mxd_error Rubbish::error() {
  mxd_error made{};
  made.http_status = 400 + flags();
  if (made.http_status > 600) made.http_status = static_cast<uint32_t>(integer());
  made.retry_after_ms = integer();
  made.errcode = text_();
  made.text = text_();
  made.extra_json = text_();
  return made;
}

}  // namespace mxd::fuzz
