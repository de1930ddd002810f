#include "module/host/device_calls.h"

#include "module/http/text.h"

namespace mxd::host {

// ---- authenticate ----

AuthenticateCall::AuthenticateCall(Line& line, const mxd_credentials& credentials, Principal& who)
    : HostCall(line, "authenticate",
               bit(MXD_UNKNOWN_TOKEN) | bit(MXD_TOKEN_EXPIRED) | bit(MXD_USER_LOCKED) |
                   bit(MXD_FORBIDDEN) | bit(MXD_UNKNOWN_DEVICE),
               WhenCancelled::kNotAsked),
      credentials_(credentials),
      who_(who) {}

int32_t AuthenticateCall::ask(mxd_op op) noexcept {
  return line_.table->authenticate(line_.table.cookie(), line_.request, op, 0, &credentials_);
}

int32_t AuthenticateCall::principal(const mxd_principal& record) {
  if (emitted_) return fault("emitted two principals");
  if (record.user_id.size == 0) return fault("emitted a principal without a user");
  for (const auto& id : {record.user_id, record.device_id, record.token_id, record.service_id}) {
    if (id.size > kMaxIdBytes) return fault("emitted a principal with an ID over 255 bytes");
    if (!http::is_plain_text(text(id))) {
      return fault("emitted a principal that is not UTF-8 without U+0000");
    }
  }
  const bool service = (record.flags & MXD_PRINCIPAL_APPSERVICE) != 0;
  if (service && record.service_id.size == 0) {
    return fault("emitted an application service without its ID");
  }
  if (!service && record.device_id.size == 0 && record.token_id.size == 0) {
    return fault("emitted a principal with neither a device nor a token_id");
  }
  const bool validated = (record.flags & MXD_PRINCIPAL_HAS_VALIDATED_MS) != 0;
  if (validated && !is_time(record.validated_ms)) {
    return fault("emitted a principal whose validated_ms is negative or too large");
  }
  who_.cookie = record.cookie;
  who_.user = UserId{keep(record.user_id)};
  who_.device = DeviceId{keep(record.device_id)};
  if (record.device_id.size == 0) who_.token_id = keep(record.token_id);
  who_.service_id = keep(record.service_id);
  who_.guest = (record.flags & MXD_PRINCIPAL_GUEST) != 0;
  who_.appservice = service;
  who_.oauth = (record.flags & MXD_PRINCIPAL_OAUTH) != 0;
  who_.unlimited = (record.flags & MXD_PRINCIPAL_UNLIMITED) != 0;
  if (validated) who_.validated_ms = record.validated_ms;
  emitted_ = true;
  // Nothing fails after this: its cookie is to be released, whatever becomes of the request.
  line_.principal = record.cookie;
  return MXD_OK;
}

const char* AuthenticateCall::missing() const noexcept {
  return emitted_ ? nullptr : "completed with MXD_OK, but emitted no principal";
}

// ---- list_devices, get_device ----

bool is_utf8(const Device& device) noexcept {
  return http::is_utf8(device.id.text) &&
         (!device.display_name || http::is_utf8(*device.display_name)) &&
         (!device.last_seen_ip || http::is_utf8(*device.last_seen_ip));
}

ReadDevicesCall::ReadDevicesCall(Line& line, UserId user, DeviceId device, DeviceSink& sink)
    : HostCall(line, device.text.empty() ? "list_devices" : "get_device",
               device.text.empty() ? 0 : bit(MXD_NOT_FOUND), WhenCancelled::kNotAsked),
      sink_(sink) {
  key_.size = sizeof key_;
  key_.user_id = view(user.text);
  key_.device_id = view(device.text);
}

int32_t ReadDevicesCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  if (one()) return table->get_device(table.cookie(), line_.request, op, line_.principal, &key_);
  query_ = {};
  query_.size = sizeof query_;
  query_.user_id = key_.user_id;
  return table->list_devices(table.cookie(), line_.request, op, line_.principal, &query_);
}

int32_t ReadDevicesCall::device(const mxd_device& record) {
  Device device{DeviceId{text(record.device_id)}, {}, {}, {}};
  if (!is_possible_id(device.id.text)) {
    return fault("emitted a device whose ID is not 1 to 255 bytes without U+0000");
  }
  if (one() && (emitted_ || device.id.text != text(key_.device_id))) {
    return fault("emitted another device than the one that was asked for");
  }
  if ((record.flags & MXD_DEVICE_HAS_DISPLAY_NAME) != 0) {
    device.display_name = text(record.display_name);
  }
  if ((record.flags & MXD_DEVICE_HAS_LAST_SEEN_IP) != 0) {
    device.last_seen_ip = text(record.last_seen_ip);
  }
  if ((record.flags & MXD_DEVICE_HAS_LAST_SEEN_TS) != 0) {
    device.last_seen_ts = record.last_seen_ts_ms;
  }
  if (!sink_.accept(device)) return fault("emitted a device whose text is not UTF-8");
  emitted_ = true;
  return MXD_OK;
}

const char* ReadDevicesCall::missing() const noexcept {
  return one() && !emitted_ ? "completed with MXD_OK, but emitted no device" : nullptr;
}

// ---- rename_device, put_device ----

UpdateDeviceCall::UpdateDeviceCall(Line& line, Kind kind, const mxd_device_update& update)
    : HostCall(line, kind == Kind::kPut ? "put_device" : "rename_device",
               kind == Kind::kPut ? bit(MXD_CREATED) | bit(MXD_LIMIT_EXCEEDED) : bit(MXD_NOT_FOUND),
               WhenCancelled::kNotAsked),
      kind_(kind),
      update_(update) {}

int32_t UpdateDeviceCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  const auto callback = kind_ == Kind::kPut ? table->put_device : table->rename_device;
  return callback(table.cookie(), line_.request, op, line_.principal, &update_);
}

// ---- delete_devices ----

DeleteDevicesCall::DeleteDevicesCall(Line& line, UserId user, const mxd_view* ids, size_t count)
    : HostCall(line, "delete_devices", 0, WhenCancelled::kAskedAllTheSame) {
  deletion_.size = sizeof deletion_;
  deletion_.device_ids = ids;
  deletion_.device_id_count = count;
  deletion_.user_id = view(user.text);
}

int32_t DeleteDevicesCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->delete_devices(table.cookie(), line_.request, op, line_.principal, &deletion_);
}

}  // namespace mxd::host
