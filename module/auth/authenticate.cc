#include "module/auth/authenticate.h"

#include <absl/strings/match.h>

#include <algorithm>

#include "module/host/device_calls.h"
#include "module/http/text.h"

namespace mxd::auth {
namespace {

using http::ApiError;
using http::QueryParameter;
using http::Result;
using State = QueryParameter::State;

constexpr ApiError kNoToken{401, "M_MISSING_TOKEN",
                            "No access token. Send one 'Authorization: Bearer <token>' header."};
constexpr ApiError kTwoTokens{
    401, "M_MISSING_TOKEN",
    "The access token is given twice. Send one 'Authorization: Bearer <token>' header only."};
constexpr ApiError kUnknownToken{401, "M_UNKNOWN_TOKEN",
                                 "The access token is not, or no longer, known. Log in again.",
                                 R"("soft_logout":false)"};
constexpr ApiError kExpiredToken{
    401, "M_UNKNOWN_TOKEN",
    "The access token has expired. Use the refresh token, or log in again on this device.",
    R"("soft_logout":true)"};
constexpr ApiError kLocked{401, "M_USER_LOCKED",
                           "This account is locked. Ask the server's administrator.",
                           R"("soft_logout":true)"};
constexpr ApiError kNotYours{403, "M_FORBIDDEN",
                             "The application service may not act as this user: 'user_id' must be "
                             "a user that it has registered, in its namespace."};
constexpr ApiError kUnknownDevice{
    400, "M_UNKNOWN_DEVICE",
    "The user has no device with the ID in 'device_id'. Create it first, or leave it out."};

// Longer ones are nobody's. A4
constexpr size_t kMaxToken = 4096;

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// What an Authorization header's value has after its scheme, or an empty text.
std::string_view bearer_token(std::string_view value) {
  constexpr std::string_view kScheme = "bearer ";
  if (!value.starts_with("Bearer ") &&
      !absl::StartsWithIgnoreCase({value.data(), value.size()}, {kScheme.data(), kScheme.size()})) {
    return {};
  }
  value.remove_prefix(kScheme.size());
  while (!value.empty() && is_blank(value.front()))
    value.remove_prefix(1);
  while (!value.empty() && is_blank(value.back()))
    value.remove_suffix(1);
  return value;
}

// A3 and A4, of one token.
const ApiError* refuse_token(std::string_view token, bool in_query) {
  if (token.empty()) return &kNoToken;
  if (!http::is_visible_ascii(token)) {  // as no token is that a host made
    const bool is_two = !in_query && std::any_of(token.begin(), token.end(), is_blank);
    if (is_two) return &kNoToken;
    if (!http::is_plain_text(token)) return &kUnknownToken;
  }
  return token.size() > kMaxToken ? &kUnknownToken : nullptr;
}

// R11. An ID, unlike a token, is refused with U+0000.
enum class Parameter { kId, kToken };
const ApiError* refuse_parameter(memory::Arena& arena, Parameter kind, std::string_view name,
                                 const QueryParameter& parameter) {
  std::string_view wrong;
  if (parameter.state == State::kTwice) wrong = "' twice. Give it once.";
  if (parameter.state == State::kBroken) wrong = "' with a broken percent-escape. Encode it again.";
  if (parameter.state == State::kGiven && !http::is_utf8(parameter.value)) {
    wrong = "' in bytes that are not UTF-8. Encode it again.";
  }
  if (kind == Parameter::kId && http::has_nul(parameter.value)) {
    wrong = "' with U+0000, which no ID has. Leave that out.";
  }
  if (wrong.empty()) return nullptr;
  return http::make_error(
      arena, {400, "M_INVALID_PARAM",
              http::concatenate(arena, {"The query gives the parameter '", name, wrong})});
}

}  // namespace

Result<mxd_credentials> read_credentials(host::Exchange& exchange) {
  memory::Arena& arena = exchange.arena();
  const http::Request& request = exchange.request;
  const std::string_view query = request.target.query;

  constexpr std::string_view kUserId = "user_id";
  constexpr std::string_view kDeviceId = "device_id";
  constexpr std::string_view kOldDeviceId = "org.matrix.msc3202.device_id";  // A14
  constexpr std::string_view kAccessToken = "access_token";
  QueryParameter user, device, old_device, token;
  if (!query.empty()) {
    user = http::find_parameter(arena, query, kUserId);
    device = http::find_parameter(arena, query, kDeviceId);
    if (exchange.config.device_id_alias) {
      old_device = http::find_parameter(arena, query, kOldDeviceId);
    }
    if (exchange.config.allow_query_token) {  // A2
      token = http::find_parameter(arena, query, kAccessToken);
    }
    const struct {
      Parameter kind;
      std::string_view name;
      const QueryParameter& parameter;
    } parameters[] = {{Parameter::kId, kUserId, user},
                      {Parameter::kId, kDeviceId, device},
                      {Parameter::kId, kOldDeviceId, old_device},
                      {Parameter::kToken, kAccessToken, token}};
    for (const auto& [kind, name, parameter] : parameters) {
      if (const auto* refused = refuse_parameter(arena, kind, name, parameter)) return refused;
    }
  }

  const bool in_query = token.state == State::kGiven;
  if (request.authorization_count + (in_query ? 1 : 0) > 1) return &kTwoTokens;  // A3
  const auto secret = in_query ? token.value : bearer_token(request.authorization);
  if (const auto* refused = refuse_token(secret, in_query)) return refused;

  mxd_credentials credentials{};
  credentials.size = sizeof credentials;
  credentials.access_token = host::view(secret);
  credentials.remote_addr = host::view(request.remote_addr);
  if (user.state == State::kGiven) {
    credentials.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    credentials.user_id = host::view(user.value);
  }
  if (device.state == State::kAbsent) device = old_device;
  if (device.state == State::kGiven) {
    credentials.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    credentials.device_id = host::view(device.value);
  }
  return credentials;
}

async::Task<const ApiError*> authenticate(host::Exchange& exchange,
                                          const mxd_credentials& credentials) {
  host::AuthenticateCall question(exchange.line, credentials, exchange.who);
  const auto answer = co_await question;
  if (answer.error != nullptr) co_return answer.error;
  switch (answer.status) {
    case MXD_UNKNOWN_TOKEN:
      co_return &kUnknownToken;
    case MXD_TOKEN_EXPIRED:
      co_return &kExpiredToken;
    case MXD_USER_LOCKED:
      co_return &kLocked;
    case MXD_FORBIDDEN:
      co_return &kNotYours;
    case MXD_UNKNOWN_DEVICE:
      co_return &kUnknownDevice;
    default:
      co_return nullptr;
  }
}

}  // namespace mxd::auth
