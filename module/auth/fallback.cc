#include "module/auth/fallback.h"

#include <sodium/utils.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <optional>

#include "module/auth/fallback_page.h"
#include "module/auth/kept_sessions.h"
#include "module/auth/stage.h"
#include "module/auth/uia_flows.h"
#include "module/host/device_calls.h"
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

// F1: the most devices that the page names.
constexpr size_t kMaxNamed = 10;

// A field of the form, or of the query: none unless it is given once, and well formed.
std::optional<std::string_view> field(memory::Arena& arena, std::string_view encoded,
                                      std::string_view name) {
  const QueryParameter found = http::find_parameter(arena, encoded, name);
  if (found.state != QueryParameter::State::kGiven || !http::is_utf8(found.value)) {
    return std::nullopt;
  }
  return found.value;
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

// Takes in what `get_device` gives.
class NameSink final : public host::DeviceSink {
 public:
  explicit NameSink(memory::Arena& arena) : arena_(arena) {}
  bool accept(const host::Device& device) override {
    name_ = arena_.copy(device.display_name.value_or(std::string_view()));
    return host::is_utf8(device);
  }
  std::string_view name() const { return name_; }

 private:
  memory::Arena& arena_;
  std::string_view name_;
};

// A page for one stage of one session, in the order in which a request goes through it.
class Fallback {
 public:
  Fallback(host::Exchange& exchange, std::string_view type)
      : exchange_(exchange), type_(type), texts_(choose_texts(exchange.request.accept_language)) {
    page_.arena = &arena();
    page_.texts = &texts_;
    page_.nonce = make_nonce(exchange);
    page_.server = exchange.config.server_name;
    page_.asks_for = find_stage_type(type)->page;
  }

  memory::Arena& arena() noexcept { return exchange_.arena(); }

  async::Task<Response> run();

 private:
  // A page to answer with, or none: go on.
  using Answer = std::optional<Response>;

  async::Task<Answer> load();
  async::Task<Answer> offer_flows();
  async::Task<Response> show(int status, std::string_view complaint);
  async::Task<Response> submit();
  async::Task<Response> check_and_keep(const json::object& auth);
  async::Task<Answer> name_devices();
  async::Task<Answer> name_device(std::string_view id);

  const json::object* read_form();
  const json::array* kept_devices();
  Response page(int status, std::string_view html) const;
  Response fail(int status, std::string_view text) const {
    return page(status, page_.failure(text));
  }
  Response fail(const ApiError& error) const;
  std::string_view too_many(int64_t wait_ms);

  host::Exchange& exchange_;
  std::string_view type_;
  const PageTexts& texts_;
  FallbackPage page_{};
  PageDevice* last_device_ = nullptr;
  Session session_;
  host::Flows flows_;
};

async::Task<Response> Fallback::run() {
  const auto failed = co_await load();
  if (failed.has_value()) co_return *failed;
  if (is_completed(session_.completed, type_)) co_return page(200, page_.done());
  if (exchange_.request.method == "POST") {
    co_return co_await submit();
  }
  co_return co_await show(200, {});
}

// F2: everything that the page is for, or the same 404 for all that is not there.
async::Task<Fallback::Answer> Fallback::load() {
  const Response gone = fail(404, texts_.gone);
  const auto id = field(arena(), exchange_.request.target.query, "session");
  if (!id.has_value()) co_return gone;
  const auto loaded = co_await load_session(exchange_, *id);
  if (!loaded) co_return fail(*loaded.error());
  session_ = *loaded;
  if (session_.id.empty() || session_.dead || session_.proves_another ||
      session_.finished_ms.has_value()) {
    co_return gone;
  }
  // Limits count for the session's user and device, as if they sent the form themselves.
  exchange_.who.user = session_.user;
  exchange_.who.device = session_.device;
  exchange_.who.token_id = session_.token_id;
  const auto failed = co_await offer_flows();
  if (failed.has_value()) co_return failed;
  const bool offered =
      is_due(flows_, session_.completed, type_) || is_completed(session_.completed, type_);
  if (!offered) co_return gone;
  page_.user = session_.user.text;
  page_.form_token = session_.form_token;
  page_.params = find_params(flows_, type_);
  co_return std::nullopt;
}

async::Task<Fallback::Answer> Fallback::offer_flows() {
  if (flows_.first != nullptr) co_return std::nullopt;
  mxd_uia_operation operation{};
  operation.size = sizeof operation;
  operation.user_id = host::view(session_.user.text);
  operation.device_id = host::view(session_.device.text);
  operation.method = host::view(session_.subject.method);
  operation.endpoint = host::view(session_.subject.endpoint);
  host::FlowsCall question(exchange_.line, operation);
  const auto offer = co_await question;
  if (offer.answer.error != nullptr) co_return fail(*offer.answer.error);
  flows_ = offer.flows;
  drop_unproved_flows(flows_, exchange_.config.uia.allow_unproved_flows);
  co_return std::nullopt;
}

async::Task<Response> Fallback::show(int status, std::string_view complaint) {
  const auto failed = co_await name_devices();
  if (failed.has_value()) co_return *failed;
  co_return page(status, page_.form(complaint));
}

// F1: the devices that the session is for, as far as they can't change any more.
async::Task<Fallback::Answer> Fallback::name_devices() {
  if (!session_.subject.path_device.empty()) {
    co_return co_await name_device(session_.subject.path_device);
  }
  const json::array* devices = kept_devices();
  if (devices == nullptr) co_return std::nullopt;
  const size_t named = std::min(devices->size(), kMaxNamed);
  page_.more_devices = devices->size() - named;
  for (size_t i = 0; i < named; ++i) {
    const auto* id = (*devices)[i].if_string();
    if (id == nullptr || !host::is_possible_id(*id)) continue;
    const auto failed = co_await name_device(*id);
    if (failed.has_value()) co_return failed;
  }
  co_return std::nullopt;
}

// The list that the kept body fixes; null where there is none. U12: one that may change does not
// count.
const json::array* Fallback::kept_devices() {
  const bool fixed = exchange_.config.uia.body_binding == config::BodyBinding::kStrict;
  if (!fixed || !session_.body.has_value()) return nullptr;
  const auto body =
      http::parse_object(arena(), *session_.body, http::EmptyBody::kRefused, exchange_.config.json);
  const auto* devices = body ? (*body)->if_contains("devices") : nullptr;
  return devices == nullptr ? nullptr : devices->if_array();
}

// Adds a device to those that the page names, if the user has it.
async::Task<Fallback::Answer> Fallback::name_device(std::string_view id) {
  NameSink sink(arena());
  host::ReadDevicesCall question(exchange_.line, session_.user, host::DeviceId{id}, sink);
  const auto read = co_await question;
  if (read.error != nullptr) co_return fail(*read.error);
  if (read.status == MXD_NOT_FOUND) co_return std::nullopt;
  auto* device = arena().make<PageDevice>(id, sink.name(), nullptr);
  if (last_device_ == nullptr) {
    page_.devices = device;
  } else {
    last_device_->next = device;
  }
  last_device_ = device;
  co_return std::nullopt;
}

// What the form says, as the `auth` object that a client would send; null if a field is missing.
const json::object* Fallback::read_form() {
  const std::string_view body = exchange_.request.body;
  const auto storage = http::storage_in(arena());
  auto* auth =
      new (arena().allocate(sizeof(json::object), alignof(json::object))) json::object(storage);
  auth->emplace("type", type_);
  switch (page_.asks_for) {
    case PageForm::kPassword: {
      const auto password = field(arena(), body, "password");
      if (!password.has_value() || password->empty()) return nullptr;
      json::object identifier(storage);
      identifier.emplace("type", "m.id.user");
      identifier.emplace("user", session_.user.text);
      auth->emplace("identifier", std::move(identifier));
      auth->emplace("password", *password);
      return auth;
    }
    case PageForm::kRegistrationToken: {
      const auto token = field(arena(), body, "token");
      if (!token.has_value() || token->empty()) return nullptr;
      auth->emplace("token", *token);
      return auth;
    }
    case PageForm::kTerms:
      return field(arena(), body, "accept") == "yes" ? auth : nullptr;
    case PageForm::kNone:
      break;
  }
  return nullptr;
}

async::Task<Response> Fallback::submit() {
  if (exchange_.request.body_too_large) co_return fail(413, texts_.too_large);  // L2
  const auto token = field(arena(), exchange_.request.body, "form_token");
  if (!token.has_value() || !same_secret(*token, page_.form_token)) {
    co_return fail(403, texts_.forged);  // F3
  }
  const json::object* auth = read_form();
  if (auth == nullptr) {
    co_return co_await show(400, texts_.empty_field);
  }
  co_return co_await check_and_keep(*auth);
}

// Right: the stage is kept. The session is finished when the client repeats its request.
async::Task<Response> Fallback::check_and_keep(const json::object& auth) {
  StageData stage{type_, &auth, {}};
  read_credentials(type_, auth, stage.credentials);
  const auto outcome = co_await try_stage(exchange_, session_.id, stage);
  if (!outcome && outcome.error()->status == 429) {  // U23
    Response limited = co_await show(429, too_many(outcome.error()->retry_after_ms));
    limited.retry_after_ms = outcome.error()->retry_after_ms;
    co_return limited;
  }
  if (!outcome) co_return fail(*outcome.error());
  if (outcome->kind == StageOutcome::Kind::kOtherUser) {  // U6
    co_return co_await show(403, texts_.other_account);
  }
  if (outcome->kind == StageOutcome::Kind::kWrong) {
    const std::string_view complaint = page_.asks_for == PageForm::kPassword ? texts_.wrong_password
                                       : page_.asks_for == PageForm::kRegistrationToken
                                           ? texts_.wrong_token
                                           : texts_.not_accepted;
    co_return co_await show(401, complaint);
  }
  for (int conflicts = 0; conflicts < kMaxConflicts; ++conflicts) {
    if (is_completed(session_.completed, type_)) co_return page(200, page_.done());
    add_completed(arena(), session_, type_, outcome->identity.text);
    const auto replaced = co_await replace_session(exchange_, session_);
    if (!replaced) co_return fail(*replaced.error());
    if (*replaced == MXD_OK) co_return page(200, page_.done());
    if (*replaced == MXD_NOT_FOUND) co_return fail(404, texts_.gone);
    const auto failed = co_await load();  // U26
    if (failed.has_value()) co_return *failed;
  }
  co_return fail(*give_up_conflicts(exchange_));
}

std::string_view Fallback::too_many(int64_t wait_ms) {
  char digits[20];
  const int64_t seconds = wait_ms / 1000 + (wait_ms % 1000 != 0 ? 1 : 0);
  const auto end = std::to_chars(digits, digits + sizeof digits, seconds).ptr;
  const std::string_view number(digits, static_cast<size_t>(end - digits));
  return http::concatenate(arena(), {texts_.too_many[0], number, texts_.too_many[1]});
}

Response Fallback::page(int status, std::string_view html) const {
  return {
      .status = status, .kind = Response::Kind::kPage, .body = html, .page_policy = page_.policy()};
}

// What the host failed with. An error of its own keeps its text (A16).
Response Fallback::fail(const ApiError& error) const {
  const bool of_the_module = error.errcode == "M_UNKNOWN";
  const std::string_view text = !of_the_module        ? error.text
                                : error.status == 500 ? texts_.failed
                                                      : texts_.busy;
  Response response = fail(error.status, text);
  response.retry_after_ms = error.retry_after_ms;
  return response;
}

}  // namespace

async::Task<http::Result<const Response*>> answer_fallback(host::Exchange& exchange,
                                                           std::string_view type) {
  Fallback fallback(exchange, type);
  const Response response = co_await fallback.run();
  co_return http::make_response(exchange.arena(), response);
}

}  // namespace mxd::auth
