// GET and POST /login.
#include <absl/strings/ascii.h>

#include <boost/json.hpp>
#include <chrono>

#include "server/account_context.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

// The account that is meant: `identifier`, or `user` as it was before; nothing, and a refusal, if
// neither names one.
std::optional<std::string> login_name(Fields& fields) {
  const json::object* const identifier = fields.object("identifier");
  std::optional<std::string> name;
  if (identifier != nullptr) {
    Fields inner(*identifier);
    const std::string type = inner.text("type").value_or("");
    name = inner.text("user");
    if (inner.refusal) fields.refusal = std::move(inner.refusal);
    if (!fields.refusal && type != "m.id.user") {
      fields.refusal = error_response(400, "M_UNKNOWN",
                                      "Only identifiers of the type m.id.user are known here.");
    }
  } else {
    name = fields.text("user");
  }
  if (!fields.refusal && (!name || name->empty())) {
    fields.refusal =
        error_response(400, "M_MISSING_PARAM",
                       R"(Say who logs in: "identifier": {"type": "m.id.user", "user": "alice"}.)");
  }
  return name;
}

void log_in_with_password(AccountContext& context, Exchange& exchange, std::string name,
                          Fields& fields, DeviceWish wish) {
  std::optional<std::string> password = fields.text("password");
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (!password) {
    return exchange.respond(error_response(400, "M_MISSING_PARAM", "\"password\" is missing."));
  }

  // One key for all ways to write a name, or each would have guesses of its own.
  const std::string user = absl::AsciiStrToLower(context.user_id(name));
  const std::string address = exchange.request().remote_addr;
  const auto wait = context.limiter.take(address, user, std::chrono::steady_clock::now());
  if (wait) return exchange.respond(limited_response(*wait));

  context.answer_later(exchange, [&context, name = std::move(name), password = std::move(*password),
                                  wish = std::move(wish), user, address] {
    char user_id[MXD_SQLITE_ID_CAPACITY] = {};
    mxd_sqlite_error error{};
    const std::int32_t status =
        mxd_sqlite_check_password(context.store.get(), view(name), view(password), user_id, &error);
    if (status == MXD_FORBIDDEN || status == MXD_NOT_FOUND || status == MXD_INVALID_ARGUMENT) {
      return error_response(403, "M_FORBIDDEN", "The user name or the password is wrong.");
    }
    // Not a guess, or none that was tried.
    context.limiter.give_back(address, user);
    if (status == MXD_USER_LOCKED) return locked_response();
    if (status != MXD_OK) return store_failure(status, error.text);
    return log_in(context, user_id, wish);
  });
}

void log_in_as_service(AccountContext& context, Exchange& exchange, const std::string& name,
                       DeviceWish wish) {
  const AccessToken token = access_token(exchange.request());
  const Registration* const service = token.refusal ? nullptr : context.service(token.value);
  if (service == nullptr) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "Send the as_token of a registered application service."));
  }
  std::string user_id = context.user_id(name);
  if (!service->manages(user_id, context.server_name)) {
    return exchange.respond(error_response(
        403, "M_EXCLUSIVE", "This user is not in the application service's namespaces."));
  }
  context.answer_later(exchange, [&context, user_id = std::move(user_id), wish = std::move(wish)] {
    return log_in(context, user_id, wish);
  });
}

}  // namespace

void get_login(AccountContext&, Exchange& exchange) {
  const json::array flows = {{{"type", "m.login.password"}},
                             {{"type", "m.login.application_service"}}};
  exchange.respond(json_response(200, {{"flows", flows}}));
}

void post_login(AccountContext& context, Exchange& exchange) {
  ParsedBody body = parse_body(exchange.request());
  if (body.refusal) return exchange.respond(std::move(*body.refusal));
  Fields fields(body.object);
  const std::optional<std::string> type = fields.text("type");
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (!type) {
    return exchange.respond(
        error_response(400, "M_MISSING_PARAM", "\"type\" is missing; GET /login lists the types."));
  }
  const bool as_service = *type == "m.login.application_service";
  if (!as_service && *type != "m.login.password") {
    return exchange.respond(error_response(
        400, "M_UNKNOWN", "This type of login is not known here; GET /login lists the types."));
  }
  std::optional<std::string> name = login_name(fields);
  DeviceWish wish = device_wish(fields);
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (as_service) return log_in_as_service(context, exchange, *name, std::move(wish));
  log_in_with_password(context, exchange, std::move(*name), fields, std::move(wish));
}

}  // namespace mxd::server
