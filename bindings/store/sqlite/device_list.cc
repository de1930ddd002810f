#include "bindings/store/sqlite/device_list.h"

#include "bindings/store/common/text.h"

namespace mxd::store::sqlite {

void emit(const mxd_module& module, mxd_op op, const ListedDevice& listed) {
  mxd_device device{};
  device.size = sizeof device;
  device.device_id = view(listed.device_id);
  if (listed.display_name) {
    device.flags |= MXD_DEVICE_HAS_DISPLAY_NAME;
    device.display_name = view(*listed.display_name);
  }
  if (listed.last_seen_ip) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_IP;
    device.last_seen_ip = view(*listed.last_seen_ip);
  }
  if (listed.last_seen_ms) {
    device.flags |= MXD_DEVICE_HAS_LAST_SEEN_TS;
    device.last_seen_ts_ms = *listed.last_seen_ms;
  }
  module.emit_device(op, &device);
}

void DeviceList::add(const ListedDevice& device) {
  const auto put = [this](std::optional<std::string_view> text) {
    if (!text) return kNone;
    texts_ += *text;
    return static_cast<uint32_t>(text->size());
  };
  // One after the other: their order is that of the texts.
  const uint32_t id_bytes = put(device.device_id);
  const uint32_t name_bytes = put(device.display_name);
  const uint32_t ip_bytes = put(device.last_seen_ip);
  rows_.push_back({id_bytes, name_bytes, ip_bytes, device.last_seen_ms});
}

void DeviceList::emit(const mxd_module& module, mxd_op op) const {
  std::string_view texts = texts_;
  const auto take = [&texts](uint32_t bytes) -> std::optional<std::string_view> {
    if (bytes == kNone) return std::nullopt;
    const std::string_view text = texts.substr(0, bytes);
    texts.remove_prefix(bytes);
    return text;
  };
  for (const Row& row : rows_) {
    ListedDevice device;
    device.device_id = *take(row.id_bytes);
    device.display_name = take(row.name_bytes);
    device.last_seen_ip = take(row.ip_bytes);
    device.last_seen_ms = row.last_seen_ms;
    sqlite::emit(module, op, device);
  }
}

}  // namespace mxd::store::sqlite
