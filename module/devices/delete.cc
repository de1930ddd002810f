#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "module/auth/user_interactive.h"
#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"
#include "module/http/json_body.h"
#include "module/http/target.h"
#include "module/http/text.h"

namespace mxd::devices {
namespace {

namespace json = boost::json;
using http::ApiError;

constexpr ApiError kNoList{400, "M_BAD_JSON",
                           "'devices' must be a list of device IDs, as strings. To delete nothing, "
                           "send an empty list."};

// The IDs that `delete_devices` is asked to delete: distinct, and possible ones only.
struct DeviceIds {
  const mxd_view* ids = nullptr;
  size_t count = 0;
};

// D7
const ApiError* check_list(const json::object& body) {
  const auto* devices = body.if_contains("devices");
  if (devices == nullptr || !devices->is_array()) return &kNoList;
  const auto& list = devices->get_array();
  const bool strings =
      std::all_of(list.begin(), list.end(), [](const json::value& id) { return id.is_string(); });
  return strings ? nullptr : &kNoList;
}

// D9, R10: each ID once, and those that nothing can own not at all.
DeviceIds collect(memory::Arena& arena, const json::object& body) {
  const auto& list = body.at("devices").get_array();
  auto* const ids = arena.make_array<mxd_view>(list.size());
  auto* end = ids;
  for (const auto& id : list) {
    const std::string_view text = id.get_string();
    if (text.empty() || is_impossible(host::DeviceId{text})) continue;
    *end++ = host::view(text);
  }
  std::sort(ids, end, [](mxd_view a, mxd_view b) { return host::text(a) < host::text(b); });
  end =
      std::unique(ids, end, [](mxd_view a, mxd_view b) { return host::text(a) == host::text(b); });
  return {ids, static_cast<size_t>(end - ids)};
}

// What a session keeps of the ID in the path. An ID with U+0000, which a host need not be able to
// keep, is kept as another one that nothing can own: encoded, and longer than any is. R10
host::DeviceId keepable(memory::Arena& arena, host::DeviceId id) {
  if (!http::has_nul(id.text)) return id;
  constexpr size_t kLonger = host::kMaxIdBytes + 1;
  char* const padding = arena.make_array<char>(kLonger);
  std::fill_n(padding, kLonger, '.');
  return {http::concatenate(arena, {http::percent_encode(arena, id.text), {padding, kLonger}})};
}

std::string_view describe(memory::Arena& arena, const json::object& body) {
  const auto* devices = body.if_contains("devices");
  const size_t count = devices != nullptr && devices->is_array() ? devices->get_array().size() : 0;
  if (count == 1) return "Sign out one device";
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, count).ptr;
  return http::concatenate(arena,
                           {"Sign out ", {digits, static_cast<size_t>(end - digits)}, " devices"});
}

async::Task<Answered> delete_devices(host::Exchange& exchange, DeviceIds devices) {
  host::DeleteDevicesCall question(exchange.line, exchange.who.user, devices.ids, devices.count);
  const auto deleted = co_await question;
  if (deleted.error != nullptr) co_return deleted.error;
  co_return kDone;
}

}  // namespace

async::Task<Answered> delete_one(host::Exchange& exchange, host::DeviceId id) {
  memory::Arena& arena = exchange.arena();
  const auto body =
      http::parse_object(arena, exchange.request.body, http::EmptyBody::kIsEmptyObject,
                         exchange.config.json);  // D5, D6
  if (!body) co_return body.error();
  const auto request = auth::take_auth(arena, **body);  // U18
  if (!request) co_return request.error();

  if (!exchange.who.application_service) {  // D1, D2
    auth::Operation operation;
    operation.method = "DELETE";
    operation.endpoint = path_template(Endpoint::kDevice);
    operation.path_device = keepable(arena, id);
    operation.body = *body;
    operation.body_may_be_stored = (*body)->empty();
    operation.description = "Sign out one device";
    const auto permitted = co_await auth::authenticate_again(exchange, operation, *request);
    if (!permitted) co_return permitted.error();
  }
  DeviceIds devices;
  if (!is_impossible(id)) {  // R10, D4
    devices.ids = arena.make<mxd_view>(host::view(id.text));
    devices.count = 1;
  }
  co_return co_await delete_devices(exchange, devices);
}

async::Task<Answered> delete_many(host::Exchange& exchange) {
  memory::Arena& arena = exchange.arena();
  const auto parsed = http::parse_object(arena, exchange.request.body, http::EmptyBody::kRefused,
                                         exchange.config.json);
  if (!parsed) co_return parsed.error();                  // D7
  const auto request = auth::take_auth(arena, **parsed);  // U18
  if (!request) co_return request.error();

  const json::object* body = *parsed;
  const auto* bad_list = check_list(*body);
  const bool may_be_stored = body->empty() && request->session.has_value();  // U8
  if (bad_list != nullptr && (!may_be_stored || exchange.who.application_service)) {
    co_return bad_list;  // D7
  }
  if (!exchange.who.application_service) {  // D1, D2
    auth::Operation operation;
    operation.method = "POST";
    operation.endpoint = path_template(Endpoint::kDeleteDevices);
    operation.body = body;
    operation.body_may_be_stored = may_be_stored;
    operation.body_error = bad_list;
    operation.description = describe(arena, *body);
    const auto permitted = co_await auth::authenticate_again(exchange, operation, *request);
    if (!permitted) co_return permitted.error();
    body = *permitted;
  }
  const DeviceIds devices = collect(arena, *body);
  co_return co_await delete_devices(exchange, devices);
}

}  // namespace mxd::devices
