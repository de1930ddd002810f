#include "module/devices/device_writer.h"
#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"

namespace mxd::devices {

async::Task<Answered> get(host::Exchange& exchange, std::string_view id) {
  if (is_impossible(id)) co_return &kNoSuchDevice;  // R10
  http::JsonWriter json(exchange.output());
  DeviceWriter row(json, exchange.config.unknown_fields_null);
  host::ReadDevicesCall question(exchange.line, exchange.who.user, host::DeviceId{id}, row);
  const auto read = co_await question;
  if (read.error != nullptr) co_return read.error;
  if (read.status == MXD_NOT_FOUND) co_return &kNoSuchDevice;  // G5, G6
  co_return written(exchange);
}

}  // namespace mxd::devices
