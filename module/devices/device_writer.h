#pragma once

#include "module/host/records.h"
#include "module/http/json_writer.h"

namespace mxd::devices {

// Writes devices as they come, as the specification's Device objects. G2.
class DeviceWriter final : public host::DeviceSink {
 public:
  // `unknown_as_null`: what is not known is null instead of absent.
  DeviceWriter(http::JsonWriter& json, bool unknown_as_null)
      : json_(json), unknown_as_null_(unknown_as_null) {}

  bool accept(const host::Device& device) override {
    json_.begin_object();
    const bool is_utf8 = json_.member("device_id", device.id.text) &&
                         member("display_name", device.display_name) &&
                         member("last_seen_ip", device.last_seen_ip);
    if (device.last_seen_ts)
      json_.member("last_seen_ts", *device.last_seen_ts);
    else
      unknown("last_seen_ts");
    json_.end_object();
    return is_utf8;
  }

 private:
  bool member(const http::Name& name, const std::optional<std::string_view>& text) {
    if (text) return json_.member(name, *text);
    unknown(name);
    return true;
  }
  void unknown(const http::Name& name) {
    if (!unknown_as_null_) return;
    json_.key(name);
    json_.null();
  }

  http::JsonWriter& json_;
  bool unknown_as_null_;
};

}  // namespace mxd::devices
