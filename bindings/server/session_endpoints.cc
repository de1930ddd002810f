// POST /refresh, POST /logout, POST /logout/all, GET /account/whoami.
#include <boost/json.hpp>

#include "server/account_context.h"
#include "server/request_target.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

void log_out(AccountContext& context, Exchange& exchange, bool all) {
  AccessToken token = access_token(exchange.request());
  if (token.refusal) return exchange.respond(std::move(*token.refusal));
  if (context.service(token.value) != nullptr) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "An as_token cannot be logged out. Delete the device instead."));
  }
  context.answer_later(exchange, [&context, token = std::move(token.value), all] {
    mxd_sqlite_error error{};
    const std::int32_t status =
        mxd_sqlite_logout(context.store.get(), view(token), all ? 1 : 0, &error);
    if (status == MXD_OK) return json_response(200, {});
    if (status == MXD_UNKNOWN_TOKEN) return unknown_token_response(false);
    if (status == MXD_TOKEN_EXPIRED) return unknown_token_response(true);
    return store_failure(status, error.text);
  });
}

// Why `identify` gave no identity.
Response identity_refusal(std::int32_t status) {
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
  context.answer_later(exchange, [&context, token = std::move(*token)] {
    mxd_sqlite_tokens tokens{};
    tokens.size = sizeof tokens;
    mxd_sqlite_error error{};
    const std::int32_t status =
        mxd_sqlite_refresh(context.store.get(), view(token), &tokens, &error);
    if (status == MXD_UNKNOWN_TOKEN) return unknown_token_response(false);
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
  AccessToken token = access_token(request);
  if (token.refusal) return exchange.respond(std::move(*token.refusal));

  const RequestTarget target(request.target);
  const auto user_id = target.query("user_id");
  auto device_id = target.query("device_id");
  // The name from before it was in the specification; bridges still send it.
  const auto alias = target.query("org.matrix.msc3202.device_id");
  if (user_id.broken || device_id.broken || alias.broken) {
    return exchange.respond(
        error_response(400, "M_INVALID_PARAM", "A query parameter is given twice or is broken."));
  }
  if (!device_id.value) device_id.value = alias.value;

  mxd_credentials credentials{};
  credentials.size = sizeof credentials;
  credentials.access_token = view(token.value);
  credentials.remote_addr = view(request.remote_addr);
  if (user_id.value) {
    credentials.flags |= MXD_CREDENTIALS_HAS_USER_ID;
    credentials.user_id = view(*user_id.value);
  }
  if (device_id.value) {
    credentials.flags |= MXD_CREDENTIALS_HAS_DEVICE_ID;
    credentials.device_id = view(*device_id.value);
  }
  mxd_sqlite_identity identity{};
  identity.size = sizeof identity;
  const std::int32_t status = mxd_sqlite_identify(context.store.get(), &credentials, &identity);
  if (status != MXD_OK) return exchange.respond(identity_refusal(status));

  json::object body{{"user_id", identity.user_id},
                    {"is_guest", (identity.flags & MXD_PRINCIPAL_GUEST) != 0}};
  if (identity.device_id[0] != '\0') body["device_id"] = identity.device_id;
  exchange.respond(json_response(200, body));
}

}  // namespace mxd::server
