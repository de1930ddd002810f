// POST /register.
#include <sodium.h>

#include <boost/json.hpp>

#include "server/account_context.h"
#include "server/request_target.h"

namespace mxd::server {
namespace {

namespace json = boost::json;

std::string random_hex(std::size_t bytes) {
  std::string random(bytes, '\0');
  randombytes_buf(random.data(), random.size());
  std::string hex(bytes * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(random.data()),
                 random.size());
  hex.pop_back();
  return hex;
}

struct Registrant {
  std::uint32_t flags = 0;  // MXD_SQLITE_ACCOUNT_*
  std::string name;
  std::string password;
  std::string service_id;
  bool inhibit_login = false;
  DeviceWish wish;
};

// Blocks.
Response add_and_log_in(const AccountContext& context, const Registrant& registrant) {
  mxd_sqlite_new_account account{};
  account.size = sizeof account;
  account.flags = registrant.flags;
  account.name = view(registrant.name);
  account.password = view(registrant.password);
  account.service_id = view(registrant.service_id);
  char user_id[MXD_SQLITE_ID_CAPACITY] = {};
  mxd_sqlite_error error{};
  const std::int32_t status =
      mxd_sqlite_add_account(context.store.get(), &account, user_id, &error);
  switch (status) {
    case MXD_OK:
      break;
    case MXD_BUSY:
      return error_response(400, "M_USER_IN_USE", "This user name is taken. Choose another.");
    case MXD_FORBIDDEN:
      return error_response(400, "M_EXCLUSIVE",
                            registrant.service_id.empty()
                                ? "This user name belongs to an application service."
                                : "This user name is not in the application service's namespaces.");
    case MXD_INVALID_ARGUMENT:
      return error_response(400, "M_INVALID_USERNAME", error.text);
    default:
      return store_failure(status, error.text);
  }
  if (!registrant.inhibit_login) return log_in(context, user_id, registrant.wish);
  return json_response(200, {{"user_id", user_id}});
}

// A client finds out from this that m.login.dummy is all that is asked. The session is not kept:
// there is nothing between its beginning and its end that could be remembered.
Response challenge(bool refused) {
  json::object body{
      {"flows", {{{"stages", {"m.login.dummy"}}}}},
      {"params", json::object()},
      {"session", random_hex(16)},
  };
  if (refused) {
    body["completed"] = json::array();
    body["errcode"] = "M_FORBIDDEN";
    body["error"] = "Only the stage m.login.dummy is offered here.";
  }
  return json_response(401, body);
}

void register_for_service(AccountContext& context, Exchange& exchange, Registrant registrant) {
  AccessToken token = access_token(exchange.request());
  if (token.refusal) return exchange.respond(std::move(*token.refusal));
  const Registration* const service = context.service(token.value);
  if (service == nullptr) return exchange.respond(unknown_token_response(false));
  if (registrant.name.empty()) {
    return exchange.respond(error_response(400, "M_MISSING_PARAM", "\"username\" is missing."));
  }
  registrant.flags = MXD_SQLITE_ACCOUNT_APPSERVICE;
  registrant.service_id = service->id;
  registrant.password.clear();
  context.answer_later(exchange, [&context, registrant = std::move(registrant)] {
    return add_and_log_in(context, registrant);
  });
}

void register_guest(AccountContext& context, Exchange& exchange, DeviceWish wish) {
  Registrant guest;
  guest.flags = MXD_SQLITE_ACCOUNT_GUEST;
  guest.wish.display_name = std::move(wish.display_name);  // all else is ignored for guests
  context.answer_later(
      exchange, [&context, guest = std::move(guest)] { return add_and_log_in(context, guest); });
}

void register_user(AccountContext& context, Exchange& exchange, Fields& fields,
                   Registrant registrant, bool has_password) {
  const json::object* const auth = fields.object("auth");
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));
  if (auth == nullptr || auth->empty()) return exchange.respond(challenge(false));
  Fields auth_fields(*auth);
  const std::string type = auth_fields.text("type").value_or("");
  if (auth_fields.refusal) return exchange.respond(std::move(*auth_fields.refusal));
  if (type != "m.login.dummy") return exchange.respond(challenge(true));

  if (!has_password) {
    return exchange.respond(error_response(400, "M_MISSING_PARAM", "\"password\" is missing."));
  }
  if (registrant.password.empty()) {
    return exchange.respond(error_response(400, "M_WEAK_PASSWORD", "The password is empty."));
  }
  if (registrant.name.empty()) registrant.name = "u" + random_hex(6);
  context.answer_later(exchange, [&context, registrant = std::move(registrant)] {
    return add_and_log_in(context, registrant);
  });
}

}  // namespace

void post_register(AccountContext& context, Exchange& exchange) {
  const auto kind = RequestTarget(exchange.request().target).query("kind");
  const std::string wanted = kind.value.value_or("user");
  if (kind.broken || (wanted != "user" && wanted != "guest")) {
    return exchange.respond(
        error_response(400, "M_INVALID_PARAM", "The query parameter kind is user or guest."));
  }
  ParsedBody body = parse_body(exchange.request());
  if (body.refusal) return exchange.respond(std::move(*body.refusal));
  Fields fields(body.object);
  Registrant registrant;
  const std::string type = fields.text("type").value_or("");
  registrant.name = fields.text("username").value_or("");
  const std::optional<std::string> password = fields.text("password");
  registrant.password = password.value_or("");
  registrant.inhibit_login = fields.flag("inhibit_login");
  registrant.wish = device_wish(fields);
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));

  if (type == "m.login.application_service") {
    return register_for_service(context, exchange, std::move(registrant));
  }
  if (!context.open_registration) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "Registration is closed here. Ask the server's administrator."));
  }
  if (wanted == "guest") return register_guest(context, exchange, std::move(registrant.wish));
  register_user(context, exchange, fields, std::move(registrant), password.has_value());
}

}  // namespace mxd::server
