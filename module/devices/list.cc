#include "module/devices/device_writer.h"
#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"

namespace mxd::devices {

async::Task<Answered> list(host::Exchange& exchange, std::string_view) {
  http::JsonWriter json(exchange.output());
  json.begin_object();
  json.key("devices");
  json.begin_array();
  DeviceWriter rows(json, exchange.config.unknown_fields_null);
  host::ReadDevicesCall question(exchange.line, exchange.who.user, host::DeviceId(), rows);
  const auto listed = co_await question;
  if (listed.error != nullptr) co_return listed.error;  // G4: never a part
  json.end_array();
  json.end_object();
  co_return written(exchange);
}

}  // namespace mxd::devices
