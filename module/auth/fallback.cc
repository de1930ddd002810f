#include "module/auth/fallback.h"

#include <sodium/utils.h>

#include <boost/json/object.hpp>

#include "module/auth/fallback_page.h"
#include "module/auth/stage.h"
#include "module/auth/uia_flows.h"
#include "module/host/uia_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_digest.h"
#include "module/http/text.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using http::ApiError;
using http::QueryParameter;
using http::Response;
using http::Result;

constexpr std::string_view kPassword = "m.login.password";
constexpr std::string_view kTerms = "m.login.terms";
constexpr std::string_view kRegistrationToken = "m.login.registration_token";

constexpr ApiError kGone{404, "M_NOT_FOUND",
                         "This page has expired, or its link is wrong. Go back to the application "
                         "and start again."};
constexpr ApiError kForged{403, "M_FORBIDDEN",
                           "This form was not sent from its own page. Go back to the application "
                           "and start again."};
constexpr ApiError kOtherMethod{405, "M_UNRECOGNIZED",
                                "This page is read and sent as a form only."};
constexpr ApiError kFormTooLarge{413, "M_TOO_LARGE", "The form is too large."};

constexpr std::string_view kWrongPassword = "The password is wrong. Try again.";
constexpr std::string_view kWrongToken = "The registration token is not valid. Try another.";
constexpr std::string_view kOtherAccount = "This is another account's. Use your own.";
constexpr std::string_view kFieldMissing = "Fill in the form.";

// A field of the form, or of the query: none unless it is given once, and well formed.
std::optional<std::string_view> field(memory::Arena& arena, std::string_view encoded,
                                      std::string_view name) {
  const QueryParameter found = http::find_parameter(arena, encoded, name);
  if (found.state != QueryParameter::State::kGiven) return std::nullopt;
  return found.value;
}

// What the page's form carries to show that it came from the page: it can be made by every process
// of the host, and only by who knows the whole session.
std::string_view form_token(memory::Arena& arena, const host::Session& session) {
  return http::digest_text(
      arena, http::concatenate(arena, {"fallback page\n", session.id, "\n", session.user.text, "\n",
                                       session.body_digest}));
}

// What lets the page's own style and script run, and no other. Without randomness none does: the
// form works all the same.
std::string_view make_nonce(host::Exchange& exchange) {
  char random[16];
  if (!exchange.line.table.random_bytes(random, sizeof random)) {
    exchange.line.table.log(exchange.line.request, MXD_LOG_ERROR,
                            "random_bytes failed; the fallback page goes without its style");
    return {};
  }
  return http::digest_text(exchange.arena(), {random, sizeof random});
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

// A page for one stage of one session, in the order in which a request goes through it.
class Fallback {
 public:
  Fallback(host::Exchange& exchange, std::string_view type, std::string_view nonce)
      : exchange_(exchange), type_(type), nonce_(nonce) {}

  memory::Arena& arena() noexcept { return exchange_.arena(); }

  async::Task<Result<Response>> run();

 private:
  async::Task<const ApiError*> load();
  async::Task<Result<Response>> submit();
  async::Task<Result<Response>> record(std::optional<host::UserId> identity);

  Result<Response> form(int status, std::string_view complaint, int64_t retry_after_ms = -1);
  Result<Response> page(int status, std::string_view html);
  const json::object* read_form();

  host::Exchange& exchange_;
  std::string_view type_;
  std::string_view nonce_;
  FallbackPage page_;
  host::Session session_;
};

async::Task<Result<Response>> Fallback::run() {
  const std::string_view method = exchange_.request.method;
  if (method != "GET" && method != "HEAD" && method != "POST") co_return &kOtherMethod;
  const auto decoded = http::percent_decode(arena(), type_, false);
  type_ = decoded.value_or(std::string_view());
  const bool known = type_ == kPassword || type_ == kTerms || type_ == kRegistrationToken;
  if (!known) co_return &kGone;  // F2

  const auto* not_found = co_await load();
  if (not_found != nullptr) co_return not_found;
  if (is_completed(session_.completed, type_)) co_return page(200, page_.done());
  if (method != "POST") co_return form(200, {});
  co_return co_await submit();
}

// F2: everything that the page is for, or the same 404 for all that is not there.
async::Task<const ApiError*> Fallback::load() {
  const auto id = field(arena(), exchange_.request.target.query, "session");
  if (!id.has_value() || !host::is_possible_id(*id) || !http::is_utf8(*id)) co_return &kGone;
  host::LoadSessionCall load(exchange_.line, *id);
  const auto loaded = co_await load;
  if (loaded.answer.error != nullptr) co_return loaded.answer.error;
  if (loaded.answer.status == MXD_NOT_FOUND || !is_live(loaded.session, exchange_) ||
      loaded.session.finished_ms.has_value()) {
    co_return &kGone;
  }
  session_ = loaded.session;
  // Limits count for the session's user and device, as if they sent the form themselves.
  exchange_.who.user = session_.user;
  exchange_.who.device = session_.device;
  exchange_.who.token_id = session_.token_id;

  mxd_uia_operation operation{};
  operation.size = sizeof operation;
  operation.user_id = host::view(session_.user.text);
  operation.device_id = host::view(session_.device.text);
  operation.method = host::view(session_.method);
  operation.endpoint = host::view(session_.endpoint);
  host::FlowsCall ask(exchange_.line, operation);
  const auto offer = co_await ask;
  if (offer.answer.error != nullptr) co_return offer.answer.error;
  host::Flows flows = offer.flows;
  drop_unproved_flows(flows, exchange_.config.uia.allow_unproved_flows);
  if (!is_due(flows, session_.completed, type_) && !is_completed(session_.completed, type_)) {
    co_return &kGone;
  }

  page_ = FallbackPage{.arena = &arena(),
                       .nonce = nonce_,
                       .type = type_,
                       .user = session_.user.text,
                       .description = session_.description,
                       .form_token = form_token(arena(), session_),
                       .params = find_params(flows, type_)};
  co_return nullptr;
}

// What the form says, as the `auth` object that a client would send; null if a field is missing.
const json::object* Fallback::read_form() {
  const std::string_view body = exchange_.request.body;
  const auto storage = http::storage_in(arena());
  auto* auth =
      new (arena().allocate(sizeof(json::object), alignof(json::object))) json::object(storage);
  auth->emplace("type", type_);
  if (type_ == kPassword) {
    const auto password = field(arena(), body, "password");
    if (!password.has_value() || password->empty() || !http::is_utf8(*password)) return nullptr;
    json::object identifier(storage);
    identifier.emplace("type", "m.id.user");
    identifier.emplace("user", session_.user.text);
    auth->emplace("identifier", std::move(identifier));
    auth->emplace("password", *password);
  } else if (type_ == kRegistrationToken) {
    const auto token = field(arena(), body, "token");
    if (!token.has_value() || token->empty() || !http::is_utf8(*token)) return nullptr;
    auth->emplace("token", *token);
  } else if (field(arena(), body, "accept") != "yes") {
    return nullptr;
  }
  return auth;
}

async::Task<Result<Response>> Fallback::submit() {
  if (exchange_.request.body_too_large) co_return &kFormTooLarge;  // L2
  const auto token = field(arena(), exchange_.request.body, "form_token");
  if (!token.has_value() || !same_secret(*token, page_.form_token)) co_return &kForged;  // F3
  const json::object* auth = read_form();
  if (auth == nullptr) co_return form(400, kFieldMissing);

  const auto outcome = co_await try_stage(exchange_, session_.id, type_, *auth);
  if (!outcome) {
    const ApiError& error = *outcome.error();
    if (error.status != 429) co_return outcome.error();
    co_return form(429, error.text, error.retry_after_ms);  // U23
  }
  switch (outcome->kind) {
    case StageOutcome::Kind::kOtherUser:
      co_return form(403, kOtherAccount);  // U6
    case StageOutcome::Kind::kWrong:
      co_return form(401, type_ == kPassword ? kWrongPassword : kWrongToken);
    case StageOutcome::Kind::kRight:
      break;
  }
  co_return co_await record(outcome->identity);
}

// Notes the stage. The session is finished when the client repeats its request.
async::Task<Result<Response>> Fallback::record(std::optional<host::UserId> identity) {
  mxd_uia_record note{};
  note.size = sizeof note;
  note.flags = MXD_RECORD_STAGE;
  note.now_ms = exchange_.now_ms();
  note.session_id = host::view(session_.id);
  note.type = host::view(type_);
  if (identity.has_value()) {
    note.flags |= MXD_RECORD_HAS_IDENTITY;
    note.identity = host::view(identity->text);
  }
  host::RecordCall question(exchange_.line, note);
  const auto recorded = co_await question;
  if (recorded.answer.error != nullptr) co_return recorded.answer.error;
  if (recorded.answer.status == MXD_NOT_FOUND) co_return &kGone;
  co_return page(200, page_.done());
}

Result<Response> Fallback::form(int status, std::string_view complaint, int64_t retry_after_ms) {
  Result<Response> made = page(status, page_.form(complaint));
  Response response = *made;
  response.retry_after_ms = retry_after_ms;
  return response;
}

Result<Response> Fallback::page(int status, std::string_view html) {
  return Response{.status = status,
                  .body = html,
                  .content_type = "text/html; charset=utf-8",
                  .page_policy = page_.policy()};
}

}  // namespace

async::Task<Response> answer_fallback(host::Exchange& exchange, std::string_view type) {
  if (exchange.request.method == "OPTIONS") co_return http::kPreflight;  // R5
  const std::string_view nonce = make_nonce(exchange);
  Fallback fallback(exchange, type, nonce);
  const auto answered = co_await fallback.run();
  if (answered) co_return *answered;
  const ApiError& error = *answered.error();
  FallbackPage page{.arena = &exchange.arena(), .nonce = nonce};
  Response response{.status = error.status,
                    .body = page.failure(error.text),
                    .retry_after_ms = error.retry_after_ms,
                    .content_type = "text/html; charset=utf-8",
                    .page_policy = page.policy()};
  co_return response;
}

}  // namespace mxd::auth
