#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "module/auth/reauthenticate.h"
#include "module/devices/endpoints.h"
#include "module/host/device_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_digest.h"
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

// D9: each ID once, in bytewise order. So is the list that a session keeps, and that its digest is
// of (U11).
void make_a_set(json::array& list) {
  const auto less = [](const json::value& a, const json::value& b) {
    return a.get_string() < b.get_string();
  };
  const auto equal = [](const json::value& a, const json::value& b) {
    return a.get_string() == b.get_string();
  };
  std::sort(list.begin(), list.end(), less);
  list.erase(std::unique(list.begin(), list.end(), equal), list.end());
}

// R10: those that nothing can own are left out.
DeviceIds collect(memory::Arena& arena, const json::object& body) {
  const auto& list = body.at("devices").get_array();
  auto* const ids = arena.make_array<mxd_view>(list.size());
  size_t count = 0;
  for (const auto& id : list) {
    const std::string_view text = id.get_string();
    if (host::is_possible_id(text)) ids[count++] = host::view(text);
  }
  return {ids, count};
}

// For a page that asks for the user's consent. U12: a list that may still change is not counted.
std::string_view describe(host::Exchange& exchange, const json::object& body) {
  if (exchange.config.uia.body_binding == config::BodyBinding::kLenient) return "Sign out devices";
  const auto* devices = body.if_contains("devices");
  const size_t count = devices != nullptr && devices->is_array() ? devices->get_array().size() : 0;
  if (count == 1) return "Sign out one device";
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, count).ptr;
  return http::concatenate(exchange.arena(),
                           {"Sign out ", {digits, static_cast<size_t>(end - digits)}, " devices"});
}

auth::Subject subject_of(memory::Arena& arena, std::string_view id) {
  auth::Subject subject{"DELETE", kDevicePath, {}, {}};
  if (is_impossible(id)) {
    subject.path_device_digest = http::digest_text(arena, id);
  } else {
    subject.path_device = id;
  }
  return subject;
}

async::Task<Answered> delete_devices(host::Exchange& exchange, DeviceIds devices) {
  host::DeleteDevicesCall question(exchange.line, exchange.who.user, devices.ids, devices.count);
  const auto deleted = co_await question;
  if (deleted.error != nullptr) co_return deleted.error;
  co_return &kDone;
}

}  // namespace

async::Task<Answered> delete_one(host::Exchange& exchange, std::string_view id) {
  memory::Arena& arena = exchange.arena();
  const auto body =
      http::parse_object(arena, exchange.request.body, http::EmptyBody::kIsEmptyObject,
                         exchange.config.json);  // D5, D6
  if (!body) co_return body.error();
  const auto request = auth::take_auth(arena, **body);  // U18
  if (!request) co_return request.error();

  if (!exchange.who.appservice) {  // D1, D2
    auth::Operation operation;
    operation.subject = subject_of(arena, id);
    operation.body = *body;
    operation.takes_kept_body = (*body)->empty();
    operation.description = "Sign out one device";
    const auto permitted = co_await auth::reauthenticate(exchange, operation, *request);
    if (!permitted) co_return permitted.error();
  }
  DeviceIds devices;
  if (!is_impossible(id)) {  // R10, D4
    devices.ids = arena.make<mxd_view>(host::view(id));
    devices.count = 1;
  }
  co_return co_await delete_devices(exchange, devices);
}

async::Task<Answered> delete_many(host::Exchange& exchange, std::string_view) {
  memory::Arena& arena = exchange.arena();
  const auto parsed = http::parse_object(arena, exchange.request.body, http::EmptyBody::kRefused,
                                         exchange.config.json);
  if (!parsed) co_return parsed.error();                  // D7
  const auto request = auth::take_auth(arena, **parsed);  // U18
  if (!request) co_return request.error();

  json::object* const sent = *parsed;
  const auto* bad_list = check_list(*sent);
  if (bad_list == nullptr) make_a_set(sent->at("devices").get_array());
  const json::object* body = sent;
  const bool takes_kept_body = body->empty() && request->session.has_value();  // U8
  if (bad_list != nullptr && (!takes_kept_body || exchange.who.appservice)) {
    co_return bad_list;  // D7
  }
  if (!exchange.who.appservice) {  // D1, D2
    auth::Operation operation;
    operation.subject = {"POST", kDeleteDevicesPath, {}, {}};
    operation.body = body;
    operation.takes_kept_body = takes_kept_body;
    operation.body_error = bad_list;
    operation.description = describe(exchange, *body);
    const auto permitted = co_await auth::reauthenticate(exchange, operation, *request);
    if (!permitted) co_return permitted.error();
    body = *permitted;
  }
  const DeviceIds devices = collect(arena, *body);
  co_return co_await delete_devices(exchange, devices);
}

}  // namespace mxd::devices
