// GET and POST /login.
#include <boost/json.hpp>

#include "bindings/server/accounts/account_context.h"
#include "bindings/server/accounts/request_credentials.h"

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

// `user`: the user ID that is meant.
void try_password(AccountContext& context, Exchange& exchange, std::string user,
                  std::string password, DeviceWish wish) {
  std::string address = exchange.request().remote_addr;
  auto limit = context.limits.login(address, user, RateLimiter::now());
  if (!limit.attempt) return exchange.respond(limited_response(limit.wait));

  context.answer_after_hashing(
      exchange, [&context, user = std::move(user), address = std::move(address),
                 password = std::move(password), wish = std::move(wish),
                 attempt = std::move(*limit.attempt)]() mutable {
        const auto wait = attempt.share();
        if (wait.count() > 0) return limited_response(wait);
        auto given = make<mxd_store_password>();
        given.name = view(user);
        given.password = view(password);
        const Store::Said said =
            context.store.call(&mxd_store_library::check_password, &given, nullptr);
        if (said.status == MXD_FORBIDDEN) {
          attempt.spend();
          return error_response(403, "M_FORBIDDEN", "The user name or the password is wrong.");
        }
        attempt.give_back();  // H6: also where it could not be tried
        if (said.status != MXD_OK) return store_failure(said.status, said.text.data());
        context.limits.remember(address, user);
        return log_in(context, user, wish);
      });
}

void log_in_with_password(AccountContext& context, Exchange& exchange, const std::string& name,
                          Fields& fields, DeviceWish wish) {
  std::optional<std::string> password = fields.text("password");
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (!password) {
    return exchange.respond(error_response(400, "M_MISSING_PARAM", "\"password\" is missing."));
  }
  // T5: one key for all spellings of a name, or each would have guesses of its own.
  context.with_meant_user(exchange, name,
                          [&context, &exchange, password = std::move(*password),
                           wish = std::move(wish)](std::string user) mutable {
                            try_password(context, exchange, std::move(user), std::move(password),
                                         std::move(wish));
                          });
}

void log_in_as_service(AccountContext& context, Exchange& exchange, const std::string& name,
                       DeviceWish wish) {
  RequestCredentials who = read_credentials(exchange.request(), context.settings->devices);
  if (who.refusal) return exchange.respond(std::move(*who.refusal));
  const Registration* const service = context.service(who.access_token);
  if (service == nullptr) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "Send the as_token of a registered application service."));
  }
  context.with_meant_user(
      exchange, name,
      [&context, &exchange, service, wish = std::move(wish)](std::string user) mutable {
        if (!service->manages(user, context.server_name)) {
          return exchange.respond(error_response(
              403, "M_EXCLUSIVE", "This user is not in the application service's namespaces."));
        }
        context.answer_later(exchange, [&context, user = std::move(user), wish = std::move(wish)] {
          return log_in(context, user, wish);
        });
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
  DeviceWish wish = device_wish(fields, context.settings->devices);
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (as_service) return log_in_as_service(context, exchange, *name, std::move(wish));
  log_in_with_password(context, exchange, *name, fields, std::move(wish));
}

}  // namespace mxd::server
