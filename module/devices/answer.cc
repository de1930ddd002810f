#include "module/auth/authenticate.h"
#include "module/auth/fallback.h"
#include "module/devices/endpoints.h"
#include "module/http/text.h"

namespace mxd::devices {
namespace {

using http::ApiError;
using http::Response;
using http::Result;

constexpr ApiError kMethodNotAllowed{405, "M_UNRECOGNIZED",
                                     "This path does not have this method. See the Allow header."};
constexpr ApiError kBrokenDeviceId{
    400, "M_INVALID_PARAM",
    "The device ID in the path is not percent-encoded UTF-8. Encode it again."};
constexpr ApiError kGuest{403, "M_GUEST_ACCESS_FORBIDDEN",
                          "Guests can't delete devices. Register an account."};
constexpr ApiError kBodyTooLarge{413, "M_TOO_LARGE",
                                 "The request body is too large. Send less, in several requests."};

// What a method does on an endpoint; none: R7.
enum class Action { kNone, kPreflight, kList, kGet, kPut, kDeleteOne, kDeleteMany };

Action find_action(Endpoint endpoint, std::string_view method) {
  if (method == "OPTIONS") return Action::kPreflight;
  switch (endpoint) {
    case Endpoint::kDevices:
      if (method == "GET" || method == "HEAD") return Action::kList;
      break;
    case Endpoint::kDevice:
      if (method == "GET" || method == "HEAD") return Action::kGet;
      if (method == "PUT") return Action::kPut;
      if (method == "DELETE") return Action::kDeleteOne;
      break;
    case Endpoint::kDeleteDevices:
      if (method == "POST") return Action::kDeleteMany;
      break;
    case Endpoint::kFallback:
      break;
  }
  return Action::kNone;
}

bool deletes(Action action) {
  return action == Action::kDeleteOne || action == Action::kDeleteMany;
}

// R9
Result<host::DeviceId> read_device_id(host::Exchange& exchange, const Route& route) {
  const auto decoded = http::percent_decode(exchange.arena(), route.segment, false);
  if (!decoded || !http::is_utf8(*decoded)) return &kBrokenDeviceId;
  return host::DeviceId{*decoded};
}

// D3
const ApiError* refuse_oauth(host::Exchange& exchange, host::DeviceId id) {
  memory::Arena& arena = exchange.arena();
  const std::string_view url = exchange.config.account_management_url;
  std::string_view text =
      "This access token comes from the OAuth 2.0 API, which does not delete devices here. Use the "
      "server's account management page.";
  if (!url.empty() && id.text.empty()) {
    text = http::concatenate(arena, {"This access token comes from the OAuth 2.0 API. Sign devices "
                                     "out at ",
                                     url});
  } else if (!url.empty()) {
    const std::string_view separator = url.find('?') == url.npos ? "?" : "&";
    text = http::concatenate(
        arena,
        {"This access token comes from the OAuth 2.0 API. Sign the device out at ", url, separator,
         "action=org.matrix.device_delete&device_id=", http::percent_encode(arena, id.text)});
  }
  return http::make_error(arena, {404, "M_UNRECOGNIZED", text});
}

async::Task<Answered> act(host::Exchange& exchange, Action action, host::DeviceId id) {
  switch (action) {
    case Action::kList:
      co_return co_await list(exchange);
    case Action::kGet:
      co_return co_await get(exchange, id);
    case Action::kPut:
      co_return co_await put(exchange, id);
    case Action::kDeleteOne:
      co_return co_await delete_one(exchange, id);
    case Action::kDeleteMany:
      co_return co_await delete_many(exchange);
    case Action::kNone:
    case Action::kPreflight:
      break;
  }
  co_return &kMethodNotAllowed;
}

// All the checks that come before an endpoint's own, in the order of docs/behaviour.md.
async::Task<Answered> check_and_act(host::Exchange& exchange, Action action, Route route) {
  if (action == Action::kNone) co_return &kMethodNotAllowed;  // R7
  const auto id = read_device_id(exchange, route);            // R9
  if (!id) co_return id.error();
  const auto credentials = auth::read_credentials(exchange);  // R11, A1 to A3
  if (!credentials) co_return credentials.error();

  const auto* refused = co_await auth::authenticate(exchange, *credentials);  // A4 to A16
  if (refused != nullptr) co_return refused;

  const host::Principal& who = exchange.who;
  if (deletes(action) && who.guest) co_return &kGuest;  // A8
  if (deletes(action) && who.oauth && !who.application_service) {
    co_return refuse_oauth(exchange, *id);  // D3
  }
  if (exchange.request.body_too_large) co_return &kBodyTooLarge;  // L2
  co_return co_await act(exchange, action, *id);
}

}  // namespace

async::Task<Response> answer(host::Exchange& exchange, Route route) {
  if (route.endpoint == Endpoint::kFallback) {
    Response page = co_await auth::answer_fallback(exchange, route.segment);
    if (page.status == 405) page.allow = allowed_methods(route.endpoint);
    co_return page;
  }
  const Action action = find_action(route.endpoint, exchange.request.method);
  if (action == Action::kPreflight) {  // R5
    co_return http::kPreflight;
  }
  const auto answered = co_await check_and_act(exchange, action, route);
  if (answered) co_return *answered;
  Response response = http::render(*answered.error(), exchange.output());
  if (response.status == 405) response.allow = allowed_methods(route.endpoint);
  co_return response;
}

}  // namespace mxd::devices
