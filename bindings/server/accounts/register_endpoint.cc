// POST /register.
#include <sodium.h>

#include <array>
#include <boost/json.hpp>
#include <chrono>

#include "bindings/common/json_reader.h"
#include "bindings/server/accounts/account_context.h"
#include "bindings/server/accounts/request_credentials.h"
#include "bindings/server/http/request_target.h"

namespace mxd::server {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kDummyStage = "m.login.dummy";
constexpr size_t kMaxRemembered = 4096;  // bytes of a session's parameters

std::string random_name() {
  std::array<char, 12> letters;
  for (char& letter : letters)
    letter = static_cast<char>('a' + randombytes_uniform(26));
  return "u" + std::string(letters.data(), letters.size());
}

struct Registrant {
  uint32_t flags = 0;  // MXD_STORE_ACCOUNT_*
  std::string name;
  std::optional<std::string> password;
  std::string service_id;
  bool inhibit_login = false;
  DeviceWish wish;
};

// Blocks.
Response add_and_log_in(const AccountContext& context, const Registrant& registrant) {
  auto account = make<mxd_store_new_account>();
  account.flags = registrant.flags;
  account.name = view(registrant.name);
  if (registrant.password) account.password = view(*registrant.password);
  account.service_id = view(registrant.service_id);
  auto user = make<mxd_store_user>();
  const Store::Said said = context.store.call(&mxd_store_library::add_account, &account, &user);
  switch (said.status) {
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
      return error_response(400, "M_INVALID_USERNAME", said.text.data());
    default:
      return store_failure(said.status, said.text.data());
  }
  if (!registrant.inhibit_login) return log_in(context, user.user_id, registrant.wish);
  return json_response(200, {{"user_id", user.user_id}});
}

// What a client learns from a 401: that m.login.dummy is all that is asked.
Response challenge(std::string_view session) {
  return json_response(401, {{"flows", {{{"stages", {"m.login.dummy"}}}}},
                             {"params", json::object()},
                             {"session", session}});
}

Response refused_challenge(std::string_view session, std::string_view text) {
  return json_response(401, {{"flows", {{{"stages", {"m.login.dummy"}}}}},
                             {"params", json::object()},
                             {"session", session},
                             {"completed", json::array()},
                             {"errcode", "M_FORBIDDEN"},
                             {"error", text}});
}

void register_for_service(AccountContext& context, Exchange& exchange, Registrant registrant) {
  RequestCredentials who = read_credentials(exchange.request(), context.settings->devices);
  if (who.refusal) return exchange.respond(std::move(*who.refusal));
  const Registration* const service = context.service(who.access_token);
  if (service == nullptr) return exchange.respond(unknown_token_response(false));
  if (registrant.name.empty()) {
    return exchange.respond(error_response(400, "M_MISSING_PARAM", "\"username\" is missing."));
  }
  registrant.flags = MXD_STORE_ACCOUNT_APPSERVICE;
  registrant.service_id = service->id;
  registrant.password.reset();
  context.answer_later(exchange, [&context, registrant = std::move(registrant)] {
    return add_and_log_in(context, registrant);
  });
}

// T6
AttemptLimits::Answer take_unit(AccountContext& context, const Exchange& exchange) {
  return context.limits.registration(exchange.request().remote_addr, RateLimiter::now());
}

void register_guest(AccountContext& context, Exchange& exchange, DeviceWish wish) {
  auto limit = take_unit(context, exchange);
  if (!limit.attempt) return exchange.respond(limited_response(limit.wait));
  Registrant guest;
  guest.flags = MXD_STORE_ACCOUNT_GUEST;
  guest.wish.display_name = std::move(wish.display_name);  // all else is ignored for guests
  context.answer_later(exchange, [&context, guest = std::move(guest),
                                  attempt = std::move(*limit.attempt)]() mutable {
    const auto wait = attempt.share();
    if (wait.count() > 0) return limited_response(wait);
    Response response = add_and_log_in(context, guest);
    if (response.status < 500) attempt.spend();
    return response;
  });
}

struct Auth {
  bool is_given = false;  // with something in it
  std::string type;
  std::optional<std::string> session;
};

Auth read_auth(Fields& fields) {
  Auth auth;
  const json::object* const object = fields.object("auth");
  if (object == nullptr || object->empty()) return auth;
  Fields members(*object);
  auth.is_given = true;
  auth.type = members.text("type").value_or("");
  auth.session = members.text("session");
  if (members.refusal) fields.refusal = std::move(members.refusal);
  return auth;
}

Registrant read_registrant(Fields& fields, const Settings::Devices& settings) {
  Registrant registrant;
  registrant.name = fields.text("username").value_or("");
  registrant.password = fields.text("password");
  registrant.inhibit_login = fields.flag("inhibit_login");
  registrant.wish = device_wish(fields, settings);
  return registrant;
}

// T8: the parameters of `body`, as they are remembered. Large ones are not: they are to be sent
// again.
std::string parameters_of(const json::object& body) {
  json::object parameters = body;
  parameters.erase("auth");
  std::string text = json::serialize(parameters);
  return text.size() <= kMaxRemembered ? text : std::string("{}");
}

// T8: what the first request gave counts where this one says nothing.
void add_remembered(json::object& body, const RegistrationSessions::Session& session) {
  for (const auto& [key, value] : common::read_json_object(session.parameters->json()).object)
    body.emplace(key, value);
}

// A new session, which costs a unit that covers the attempt to come.
void begin_session(AccountContext& context, Exchange& exchange, const json::object& body,
                   bool is_refused) {
  auto limit = take_unit(context, exchange);
  if (!limit.attempt) return exchange.respond(limited_response(limit.wait));
  context.answer_later(exchange, [&context, parameters = parameters_of(body),
                                  attempt = std::move(*limit.attempt), is_refused]() mutable {
    const auto wait = attempt.share();
    if (wait.count() > 0) return limited_response(wait);
    attempt.spend();
    const std::string session = context.registrations.begin(std::move(parameters), Clock::now());
    return is_refused ? refused_challenge(session,
                                          "The session is unknown, has expired, or has registered "
                                          "an account. Go on with this one.")
                      : challenge(session);
  });
}

using HeldSession = std::optional<RegistrationSessions::Session>;

// The only stage is complete: what is left is the account.
void register_user(AccountContext& context, Exchange& exchange, Registrant registrant,
                   HeldSession session) {
  std::optional<Response> refusal;
  if (!registrant.password) {
    refusal = error_response(400, "M_MISSING_PARAM", "\"password\" is missing.");
  } else if (registrant.password->empty()) {
    refusal = error_response(400, "M_WEAK_PASSWORD", "The password is empty.");
  } else if (registrant.password->find('\0') != std::string::npos) {
    refusal = error_response(400, "M_INVALID_PARAM", "The password can't hold U+0000.");
  }
  std::optional<AttemptLimits::Attempt> attempt;
  if (!refusal && !(session && session->is_paid)) {
    auto limit = take_unit(context, exchange);
    if (limit.attempt) {
      attempt.emplace(std::move(*limit.attempt));
    } else {
      refusal = limited_response(limit.wait);
    }
  }
  if (refusal) {
    if (session) context.registrations.put_back(std::move(*session));
    return exchange.respond(std::move(*refusal));
  }
  context.answer_after_hashing(
      exchange, [&context, registrant = std::move(registrant), session = std::move(session),
                 attempt = std::move(attempt)]() mutable {
        const auto wait = attempt ? attempt->share() : std::chrono::milliseconds(0);
        if (wait.count() > 0) {
          if (session) context.registrations.put_back(std::move(*session));
          return limited_response(wait);
        }
        Response response = add_and_log_in(context, registrant);
        const bool was_tried = response.status < 500;
        if (was_tried && attempt) attempt->spend();
        if (session && response.status != 200) {
          if (was_tried) session->is_paid = false;
          context.registrations.put_back(std::move(*session));
        }
        return response;
      });
}

// User-Interactive Authentication with one stage, which anybody can complete.
void authenticate_and_register(AccountContext& context, Exchange& exchange, json::object body) {
  Fields sent(body);
  const Auth auth = read_auth(sent);
  if (sent.refusal) return exchange.respond(std::move(*sent.refusal));
  HeldSession session;
  if (auth.session) {
    session = context.registrations.take(*auth.session, Clock::now());
    if (session) {
      add_remembered(body, *session);
    } else if (auth.type != kDummyStage || !body.contains("password") ||
               !context.registrations.may_be_of_another(*auth.session)) {
      return begin_session(context, exchange, body, true);
    }
  } else if (auth.type != kDummyStage) {
    return begin_session(context, exchange, body, false);
  }
  if (auth.type != kDummyStage) {
    Response response =
        auth.type.empty()
            ? challenge(session->id)
            : refused_challenge(session->id, "Only the stage m.login.dummy is offered here.");
    context.registrations.put_back(std::move(*session));
    return exchange.respond(std::move(response));
  }
  Fields fields(body);
  Registrant registrant = read_registrant(fields, context.settings->devices);
  if (registrant.name.empty()) registrant.name = random_name();
  register_user(context, exchange, std::move(registrant), std::move(session));
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
  const std::string type = fields.text("type").value_or("");
  Registrant registrant = read_registrant(fields, context.settings->devices);
  if (fields.refusal) return exchange.respond(std::move(*fields.refusal));

  if (type == "m.login.application_service") {
    return register_for_service(context, exchange, std::move(registrant));
  }
  if (!context.open_registration) {
    return exchange.respond(error_response(
        403, "M_FORBIDDEN", "Registration is closed here. Ask the server's administrator."));
  }
  if (wanted == "guest") return register_guest(context, exchange, std::move(registrant.wish));
  authenticate_and_register(context, exchange, std::move(body.object));
}

}  // namespace mxd::server
