#include "module/auth/authenticate.h"
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

// R9
Result<std::string_view> read_device_id(host::Exchange& exchange, const Route& route) {
  const auto decoded = http::percent_decode(exchange.arena(), route.segment, false);
  if (!decoded || !http::is_utf8(*decoded)) return &kBrokenDeviceId;
  return *decoded;
}

// D3
const ApiError* refuse_oauth(host::Exchange& exchange, std::string_view id) {
  memory::Arena& arena = exchange.arena();
  const std::string_view url = exchange.config.account_management_url;
  std::string_view text =
      "This access token comes from the OAuth 2.0 API, which does not delete devices here. Use the "
      "server's account management page.";
  if (!url.empty() && id.empty()) {
    text = http::concatenate(arena, {"This access token comes from the OAuth 2.0 API. Sign devices "
                                     "out at ",
                                     url});
  } else if (!url.empty()) {
    const std::string_view separator = url.find('?') == url.npos ? "?" : "&";
    text = http::concatenate(
        arena,
        {"This access token comes from the OAuth 2.0 API. Sign the device out at ", url, separator,
         "action=org.matrix.device_delete&device_id=", http::percent_encode(arena, id)});
  }
  return http::make_error(arena, {404, "M_UNRECOGNIZED", text});
}

// All the checks that come before a handler's own, in the order of docs/behaviour.md.
async::Task<Answered> check_and_act(host::Exchange& exchange, Route route, const Method& method) {
  const auto id = read_device_id(exchange, route);  // R9
  if (!id) co_return id.error();
  const auto credentials = auth::read_credentials(exchange);  // R11, A1 to A3
  if (!credentials) co_return credentials.error();

  const auto* refused = co_await auth::authenticate(exchange, *credentials);  // A4 to A16
  if (refused != nullptr) co_return refused;

  const host::Principal& who = exchange.who;
  if (method.deletes && who.guest) co_return &kGuest;  // A8
  if (method.deletes && who.oauth && !who.appservice) {
    co_return refuse_oauth(exchange, *id);  // D3
  }
  if (exchange.request.body_too_large) co_return &kBodyTooLarge;  // L2
  co_return co_await method.handler(exchange, *id);
}

// R5
async::Task<Answered> allow_preflight(host::Exchange&) {
  co_return &http::kPreflight;
}

// R7
async::Task<Answered> refuse_method(host::Exchange& exchange, const Endpoint& endpoint) {
  Response response = http::render(kMethodNotAllowed, exchange.output());
  response.allow = endpoint.allow();
  co_return http::make_response(exchange.arena(), response);
}

}  // namespace

async::Task<Answered> answer(host::Exchange& exchange, Route route) {
  const std::string_view name = exchange.request.method;
  if (name == "OPTIONS") return allow_preflight(exchange);
  const Method* method = find_method(*route.endpoint, name);
  if (method == nullptr) return refuse_method(exchange, *route.endpoint);
  if (route.endpoint->asks == Endpoint::Asks::kNobody) {
    return method->handler(exchange, route.segment);
  }
  return check_and_act(exchange, route, *method);
}

}  // namespace mxd::devices
