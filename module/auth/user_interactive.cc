#include "module/auth/user_interactive.h"

#include <optional>

#include "module/auth/challenge.h"
#include "module/auth/limits.h"
#include "module/auth/stage.h"
#include "module/auth/uia_flows.h"
#include "module/host/uia_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_digest.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using host::Session;
using http::ApiError;
using http::Result;

// A body over this is kept in a session as its digest only (L2).
constexpr size_t kMaxStoredBody = 64 * 1024;

constexpr ApiError kWrongOwner{
    403, "M_FORBIDDEN",
    "'auth.session' was begun by another user or device. Begin anew, without 'auth'."};
constexpr ApiError kOtherOperation{
    403, "M_FORBIDDEN",
    "'auth.session' was begun for another request. Repeat that one unchanged, or begin anew, "
    "without 'auth'."};
constexpr ApiError kOtherUser{
    403, "M_FORBIDDEN",
    "These credentials are another user's than the access token's. Use the token's owner's."};
constexpr ApiError kProvedNobody{
    403, "M_FORBIDDEN",
    "The completed stages prove who nobody is, or somebody else. Begin anew, without 'auth'."};
constexpr ApiError kNoWay{403, "M_FORBIDDEN",
                          "This account has no way to authenticate again, such as a password. Ask "
                          "the server's administrator."};
constexpr ApiError kBodyNotKept{
    400, "M_BAD_JSON",
    "The request's first body was too large to be kept. Send it again, beside 'auth'."};

constexpr std::string_view kUnknownSessionText =
    "'auth.session' is not, or no longer, known. Go on with the session in this response.";
constexpr std::string_view kWrongStageText =
    "This stage is not the next one of any flow. Take one from 'flows', in order.";
constexpr std::string_view kRefusedText = "The credentials are wrong. Try again.";

// One dialogue's state, in the order in which it becomes known.
class Dialogue {
 public:
  Dialogue(host::Exchange& exchange, const Operation& operation, const UiaRequest& request)
      : exchange_(exchange), operation_(operation), request_(request) {}

  memory::Arena& arena() noexcept { return exchange_.arena(); }

  async::Task<Result<const json::object*>> run();

 private:
  async::Task<const ApiError*> load_session();
  async::Task<const ApiError*> create_session();
  async::Task<const ApiError*> offer_flows();
  async::Task<Result<const json::object*>> attempt_stage();
  async::Task<Result<const json::object*>> record(std::optional<host::UserId> identity,
                                                  std::string_view type, bool finish);

  const ApiError* check_owner() const;
  const ApiError* check_operation();
  const ApiError* use_stored_body();
  const ApiError* check_identities(bool flow_is_complete) const;
  bool in_grace_period() const;

  const ApiError* challenge(std::string_view error_text, ChallengeKind kind) {
    return make_challenge(arena(), flows_, session_, error_text, kind);
  }

  host::Exchange& exchange_;
  Operation operation_;
  UiaRequest request_;
  const json::object* body_ = nullptr;  // the one that counts
  http::Digest digest_{};
  host::Flows flows_;
  Session session_;
};

async::Task<Result<const json::object*>> Dialogue::run() {
  body_ = operation_.body;
  if (operation_.body_error == nullptr) digest_ = http::digest(arena(), *body_);

  bool session_known = false;
  if (request_.session.has_value()) {
    const auto* refused = co_await load_session();
    if (refused != nullptr) co_return refused;
    session_known = !session_.id.empty();
  }
  // D7: only a live session of this user can stand in for a body that will not do.
  if (!session_known && operation_.body_error != nullptr) co_return operation_.body_error;
  if (session_.finished_ms.has_value()) co_return body_;  // U13
  if (in_grace_period()) co_return body_;                 // U22

  const auto* no_flows = co_await offer_flows();
  if (no_flows != nullptr) co_return no_flows;

  const bool first_try = !request_.session.has_value() && request_.type.has_value();
  if (first_try) {  // U3
    const auto* bad_data = check_stage_data(request_);
    if (bad_data != nullptr) co_return bad_data;
  }
  if (!session_known) {
    const auto* not_created = co_await create_session();
    if (not_created != nullptr) co_return not_created;
    if (request_.session.has_value()) {  // U9
      co_return challenge(kUnknownSessionText, ChallengeKind::kFirst);
    }
    if (!first_try) co_return challenge({}, ChallengeKind::kFirst);  // U1
  }

  const bool complete = completes_a_flow(flows_, session_.completed, {});
  if (complete) {  // U7, U15
    co_return co_await record(std::nullopt, {}, true);
  }
  if (!request_.type.has_value() || is_completed(session_.completed, *request_.type)) {
    co_return challenge({}, ChallengeKind::kContinued);  // U7, U15
  }
  co_return co_await attempt_stage();
}

// U8 to U12, U6a: the session that the client names, if it may go on with it. `session_` stays
// empty if there is none.
async::Task<const ApiError*> Dialogue::load_session() {
  if (!host::is_possible_id(*request_.session)) co_return nullptr;  // U9
  host::LoadSessionCall question(exchange_.line, *request_.session);
  const auto loaded = co_await question;
  if (loaded.answer.error != nullptr) co_return loaded.answer.error;
  if (loaded.answer.status == MXD_NOT_FOUND || !is_live(loaded.session, exchange_))
    co_return nullptr;  // U9
  session_ = loaded.session;
  const auto* not_owner = check_owner();
  if (not_owner != nullptr) co_return not_owner;
  if (operation_.body_may_be_stored) {
    const auto* no_body = use_stored_body();
    if (no_body != nullptr) co_return no_body;
  }
  const auto* other_operation = check_operation();
  if (other_operation != nullptr) co_return other_operation;
  co_return check_identities(session_.finished_ms.has_value());
}

const ApiError* Dialogue::check_owner() const {
  const host::Principal& who = exchange_.who;
  if (session_.user != who.user) {
    return operation_.body_error != nullptr ? operation_.body_error : &kWrongOwner;  // D7, U10
  }
  const bool same_device = session_.device == who.device &&
                           (!who.device.text.empty() || session_.token_id == who.token_id);
  return same_device ? nullptr : &kWrongOwner;  // U10
}

// U8
const ApiError* Dialogue::use_stored_body() {
  if (!session_.body.has_value()) return &kBodyNotKept;
  const auto stored =
      http::parse_object(arena(), *session_.body, http::EmptyBody::kRefused, exchange_.config.json);
  if (!stored) return &kBodyNotKept;
  body_ = *stored;
  digest_ = http::digest(arena(), *body_);
  return nullptr;
}

// U11, U12
const ApiError* Dialogue::check_operation() {
  const std::string_view digest(digest_.data(), digest_.size());
  const bool strict = exchange_.config.uia.body_binding == config::BodyBinding::kStrict;
  const bool same_operation = session_.method == operation_.method &&
                              session_.endpoint == operation_.endpoint &&
                              session_.path_device == operation_.path_device;
  const bool same_body = session_.finished_ms.has_value()
                             ? digest == session_.finished_digest
                             : !strict || digest == session_.body_digest;
  return same_operation && same_body ? nullptr : &kOtherOperation;
}

// U6a
const ApiError* Dialogue::check_identities(bool flow_is_complete) const {
  bool proved = exchange_.config.uia.allow_unproved_flows;
  for (const auto* stage = session_.completed; stage != nullptr; stage = stage->next) {
    if (!stage->identity.has_value()) continue;
    if (*stage->identity != session_.user) return &kProvedNobody;
    proved = true;
  }
  return proved || !flow_is_complete ? nullptr : &kProvedNobody;
}

bool Dialogue::in_grace_period() const {
  const auto& validated_ms = exchange_.who.validated_ms;
  const int64_t now = exchange_.now_ms();
  return validated_ms.has_value() && *validated_ms <= now &&
         now < *validated_ms + exchange_.config.uia.grace_period_ms;
}

async::Task<const ApiError*> Dialogue::offer_flows() {
  mxd_uia_operation operation{};
  operation.size = sizeof operation;
  operation.user_id = host::view(exchange_.who.user.text);
  operation.device_id = host::view(exchange_.who.device.text);
  operation.method = host::view(operation_.method);
  operation.endpoint = host::view(operation_.endpoint);
  host::FlowsCall question(exchange_.line, operation);
  const auto offer = co_await question;
  if (offer.answer.error != nullptr) co_return offer.answer.error;
  flows_ = offer.flows;
  drop_unproved_flows(flows_, exchange_.config.uia.allow_unproved_flows);
  co_return flows_.first == nullptr ? &kNoWay : nullptr;  // U17
}

async::Task<const ApiError*> Dialogue::create_session() {
  const std::string_view body = http::serialize(arena(), *body_);
  const std::string_view target =
      http::without_parameter(arena(), exchange_.request.target, "access_token");
  mxd_session session{};
  session.size = sizeof session;
  session.created_ms = exchange_.now_ms();
  session.lifetime_ms = exchange_.config.uia.session_lifetime_ms;
  session.max_live = exchange_.config.uia.max_sessions_per_user;
  session.user_id = host::view(exchange_.who.user.text);
  session.device_id = host::view(exchange_.who.device.text);
  session.token_id = host::view(exchange_.who.token_id);
  session.method = host::view(operation_.method);
  session.endpoint = host::view(operation_.endpoint);
  session.target = host::view(target);
  session.path_device_id = host::view(operation_.path_device.text);
  session.body_digest = {digest_.data(), digest_.size()};
  session.description = host::view(operation_.description);
  if (body.size() <= kMaxStoredBody) {  // L2
    session.flags |= MXD_SESSION_HAS_BODY;
    session.body = host::view(body);
  }
  const Buckets buckets = challenge_buckets(exchange_);
  const auto* limited = co_await take(exchange_, buckets);  // U25
  if (limited != nullptr) co_return limited;
  host::CreateSessionCall question(exchange_.line, session);
  const auto created = co_await question;
  if (created.answer.error != nullptr) co_return created.answer.error;
  session_.id = created.id;
  session_.user = exchange_.who.user;
  co_return nullptr;
}

async::Task<Result<const json::object*>> Dialogue::attempt_stage() {
  const std::string_view type = *request_.type;
  if (!is_due(flows_, session_.completed, type)) {  // U14
    co_return challenge(kWrongStageText, ChallengeKind::kContinued);
  }
  const auto* bad_data = check_stage_data(request_);
  if (bad_data != nullptr) co_return bad_data;
  const auto outcome = co_await try_stage(exchange_, session_.id, type, *request_.auth);
  if (!outcome) co_return outcome.error();
  if (outcome->kind == StageOutcome::Kind::kOtherUser) co_return &kOtherUser;  // U6
  if (outcome->kind == StageOutcome::Kind::kWrong) {                           // U4
    co_return challenge(outcome->reason.empty() ? kRefusedText : outcome->reason,
                        ChallengeKind::kContinued);
  }
  const bool finish = completes_a_flow(flows_, session_.completed, type);
  co_return co_await record(outcome->identity, type, finish);
}

// Has the host note a stage, if one is given, and the end of the session, and goes by what then
// stands there: another request may have been faster (U26).
async::Task<Result<const json::object*>> Dialogue::record(std::optional<host::UserId> identity,
                                                          std::string_view type, bool finish) {
  // U6a before the session is finished: a flow that proves nobody must not leave a finished one.
  const auto* unproved = check_identities(finish && !identity.has_value());
  if (unproved != nullptr) co_return unproved;

  mxd_uia_record note{};
  note.size = sizeof note;
  note.now_ms = exchange_.now_ms();
  note.session_id = host::view(session_.id);
  if (!type.empty()) {
    note.flags |= MXD_RECORD_STAGE;
    note.type = host::view(type);
  }
  if (identity.has_value()) {
    note.flags |= MXD_RECORD_HAS_IDENTITY;
    note.identity = host::view(identity->text);
  }
  if (finish) {
    note.flags |= MXD_RECORD_FINISH;
    note.body_digest = {digest_.data(), digest_.size()};
    const std::string_view body = http::serialize(arena(), *body_);
    if (body.size() <= kMaxStoredBody) {
      note.flags |= MXD_RECORD_HAS_BODY;
      note.body = host::view(body);
    }
  }
  host::RecordCall question(exchange_.line, note);
  const auto recorded = co_await question;
  if (recorded.answer.error != nullptr) co_return recorded.answer.error;
  if (recorded.answer.status == MXD_NOT_FOUND) {  // U9: it expired, or was evicted, meanwhile
    session_ = Session();
    const auto* not_created = co_await create_session();
    if (not_created != nullptr) co_return not_created;
    co_return challenge(kUnknownSessionText, ChallengeKind::kFirst);
  }
  session_ = recorded.session;
  const auto* other_identity = check_identities(finish);
  if (other_identity != nullptr) co_return other_identity;
  if (!finish) co_return challenge({}, ChallengeKind::kContinued);  // U5
  if (!session_.finished_ms.has_value()) {
    exchange_.line.table.log(exchange_.line.request, MXD_LOG_HOST_MISBEHAVING,
                             "uia_record: emitted a session that it was to finish, unfinished");
    co_return &http::kInternal;
  }
  const auto* other_operation = check_operation();
  if (other_operation != nullptr) co_return other_operation;  // U26

  if (exchange_.config.uia.grace_period_ms > 0) {
    host::MarkValidatedCall mark(exchange_.line, note.now_ms);
    const auto marked = co_await mark;
    if (marked.error != nullptr) co_return marked.error;
  }
  co_return body_;
}

}  // namespace

async::Task<Result<const json::object*>> authenticate_again(host::Exchange& exchange,
                                                            Operation operation,
                                                            UiaRequest request) {
  Dialogue dialogue(exchange, operation, request);
  co_return co_await dialogue.run();
}

}  // namespace mxd::auth
