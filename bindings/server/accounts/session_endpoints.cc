// POST /refresh, POST /logout, POST /logout/all, GET /account/whoami.
#include <boost/json.hpp>

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/accounts/request_credentials.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

void log_out(AccountContext& context, Exchange& exchange, bool all) {
  RequestCredentials who = read_credentials(exchange.request(), context.settings->devices);
  if (who.refusal) return exchange.respond(std::move(*who.refusal));
  if (context.service(who.access_token) != nullptr) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "An as_token cannot be logged out. Delete the device instead."));
  }
  context.answer_later(exchange, [&context, token = std::move(who.access_token), all] {
    auto logout = make<mxd_store_logout>();
    logout.flags = all ? MXD_STORE_LOGOUT_ALL : 0;
    logout.access_token = view(token);
    const Store::Said said = context.store.call(&mxd_store_library::logout, &logout);
    if (said.status == MXD_OK) return json_response(200, {});
    if (said.status == MXD_UNKNOWN_TOKEN) return unknown_token_response(false);
    if (said.status == MXD_TOKEN_EXPIRED) return unknown_token_response(true);
    return store_failure(said.status, said.text.data());
  });
}

// T6: only after it has been looked up, so that nobody else at this address is held up.
Response unknown_refresh_token(AccountContext& context, const std::string& address) {
  auto limit = context.limits.unknown_refresh_token(address, RateLimiter::now());
  if (limit.attempt) limit.wait = limit.attempt->share();
  if (limit.wait.count() > 0) return limited_response(limit.wait);
  limit.attempt->spend();
  return unknown_token_response(false);
}

// Why `identify` gave no identity.
Response identity_refusal(int32_t status, std::string_view reason) {
  switch (status) {
    case MXD_UNKNOWN_TOKEN:
      return unknown_token_response(false);
    case MXD_TOKEN_EXPIRED:
      return unknown_token_response(true);
    case MXD_USER_LOCKED:
      return locked_response();
    case MXD_FORBIDDEN:
      return error_response(403, "M_FORBIDDEN",
                            "This is no registered user of the application service.");
    case MXD_UNKNOWN_DEVICE:
      return error_response(400, "M_UNKNOWN_DEVICE", "The user does not have this device.");
    default:
      return store_failure(status, reason);
  }
}

Response identity_of(const mxd_store_identity& identity) {
  json::object body{{"user_id", text(identity.user_id)},
                    {"is_guest", (identity.flags & MXD_STORE_IDENTITY_GUEST) != 0}};
  if (identity.device_id.size != 0) body["device_id"] = text(identity.device_id);
  return json_response(200, body);
}

}  // namespace

void post_logout(AccountContext& context, Exchange& exchange) {
  log_out(context, exchange, false);
}

void post_logout_all(AccountContext& context, Exchange& exchange) {
  log_out(context, exchange, true);
}

void post_refresh(AccountContext& context, Exchange& exchange) {
  ParsedBody body = parse_body(exchange.request());
  if (body.refusal) return exchange.respond(std::move(*body.refusal));
  Fields fields(body.object);
  std::optional<std::string> token = fields.text("refresh_token");
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (!token) {
    return exchange.respond(
        error_response(400, "M_MISSING_PARAM", "\"refresh_token\" is missing."));
  }
  std::string address = exchange.request().remote_addr;
  context.answer_later(
      exchange, [&context, token = std::move(*token), address = std::move(address)]() -> Response {
        auto refresh = make<mxd_store_refresh>();
        refresh.refresh_token = view(token);
        auto tokens = make<mxd_store_tokens>();
        const Store::Said said = context.store.call(&mxd_store_library::refresh, &refresh, &tokens);
        if (said.status == MXD_UNKNOWN_TOKEN) return unknown_refresh_token(context, address);
        if (said.status == MXD_TOKEN_EXPIRED) return unknown_token_response(true);
        if (said.status == MXD_USER_LOCKED) return locked_response();
        if (said.status != MXD_OK) return store_failure(said.status, said.text.data());
        json::object answer{{"access_token", tokens.access_token}};
        if (tokens.refresh_token[0] != '\0') answer["refresh_token"] = tokens.refresh_token;
        if (tokens.expires_in_ms >= 0) answer["expires_in_ms"] = tokens.expires_in_ms;
        return json_response(200, answer);
      });
}

void get_whoami(AccountContext& context, Exchange& exchange) {
  const Request& request = exchange.request();
  RequestCredentials who = read_credentials(request, context.settings->devices);
  if (who.refusal) return exchange.respond(std::move(*who.refusal));

  auto credentials = make<mxd_credentials>();
  credentials.access_token = view(who.access_token);
  credentials.remote_addr = view(request.remote_addr);
  if (who.user_id) {
    credentials.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    credentials.user_id = view(*who.user_id);
  }
  if (who.device_id) {
    credentials.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    credentials.device_id = view(*who.device_id);
  }
  context.store.identify(credentials, [&exchange](int32_t status,
                                                  const mxd_store_identity* identity,
                                                  std::string_view reason) noexcept {
    Response response = bare_failure();
    try {
      response = identity == nullptr ? identity_refusal(status, reason) : identity_of(*identity);
    } catch (const std::exception&) {  // no memory for more
    }
    exchange.respond(std::move(response));
  });
}

}  // namespace mxd::server
