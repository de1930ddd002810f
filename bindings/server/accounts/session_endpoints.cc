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
    mxd_sqlite_error error{};
    const int32_t status = mxd_sqlite_logout(context.store.get(), view(token), all ? 1 : 0, &error);
    if (status == MXD_OK) return json_response(200, {});
    if (status == MXD_UNKNOWN_TOKEN) return unknown_token_response(false);
    if (status == MXD_TOKEN_EXPIRED) return unknown_token_response(true);
    return store_failure(status, error.text);
  });
}

// T6: only after it has been looked up, so that nobody else at this address is held up.
Response unknown_refresh_token(AccountContext& context, const std::string& address) {
  auto limit = context.limits.unknown_refresh_token(address, RateLimiter::now());
  if (!limit.attempt) return limited_response(limit.wait);
  limit.attempt->spend();
  return unknown_token_response(false);
}

// Why `identify` gave no identity.
Response identity_refusal(int32_t status) {
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
      return store_failure(status, "identify");
  }
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
        mxd_sqlite_tokens tokens{};
        tokens.size = sizeof tokens;
        mxd_sqlite_error error{};
        const int32_t status =
            mxd_sqlite_refresh(context.store.get(), view(token), &tokens, &error);
        if (status == MXD_UNKNOWN_TOKEN) return unknown_refresh_token(context, address);
        if (status == MXD_TOKEN_EXPIRED) return unknown_token_response(true);
        if (status == MXD_USER_LOCKED) return locked_response();
        if (status != MXD_OK) return store_failure(status, error.text);
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

  mxd_credentials credentials{};
  credentials.size = sizeof credentials;
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
  mxd_sqlite_identity identity{};
  identity.size = sizeof identity;
  const int32_t status = mxd_sqlite_identify(context.store.get(), &credentials, &identity);
  if (status != MXD_OK) return exchange.respond(identity_refusal(status));

  json::object body{{"user_id", identity.user_id},
                    {"is_guest", (identity.flags & MXD_PRINCIPAL_GUEST) != 0}};
  if (identity.device_id[0] != '\0') body["device_id"] = identity.device_id;
  exchange.respond(json_response(200, body));
}

}  // namespace mxd::server
