#include "module/auth/reauthenticate.h"

#include <algorithm>
#include <optional>

#include "module/auth/challenge.h"
#include "module/auth/kept_sessions.h"
#include "module/auth/stage.h"
#include "module/auth/uia_flows.h"
#include "module/host/uia_calls.h"
#include "module/http/json_body.h"
#include "module/http/json_digest.h"
#include "module/limits/limits.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;
using http::ApiError;
using http::Result;

// A body over this is kept in a session as its digest only (L2).
constexpr size_t kMaxKeptBody = 64 * 1024;

constexpr ApiError kWrongOwner{
    403, "M_FORBIDDEN",
    "'auth.session' was begun by another user or device. Begin again, without 'auth'."};
constexpr ApiError kOtherOperation{
    403, "M_FORBIDDEN",
    "'auth.session' was begun for another request. Repeat that one unchanged, or begin again, "
    "without 'auth'."};
constexpr ApiError kOtherUser{
    403, "M_FORBIDDEN",
    "These credentials are another user's than the access token's. Use the token's owner's."};
constexpr ApiError kDead{
    403, "M_FORBIDDEN",
    "The stages that were completed do not prove that you are the access token's user. Begin "
    "again, without 'auth'."};
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

// What one look at the session came to.
enum class Turn {
  kPermitted,
  kAgain,  // another request was faster: load, and decide again (U26)
};

// One dialogue's state, in the order in which it becomes known.
class Dialogue {
 public:
  Dialogue(host::Exchange& exchange, const Operation& operation, const UiaRequest& request)
      : exchange_(exchange), operation_(operation), request_(request), id_(request.session) {}

  memory::Arena& arena() noexcept { return exchange_.arena(); }

  async::Task<Result<const json::object*>> run();

 private:
  async::Task<Result<Turn>> decide();
  async::Task<const ApiError*> find_session();
  async::Task<const ApiError*> offer_flows();
  async::Task<const ApiError*> begin_session();
  async::Task<Result<Turn>> repeat();
  async::Task<Result<Turn>> go_on();
  async::Task<const ApiError*> attempt_stage();
  async::Task<Result<Turn>> keep();
  async::Task<Result<Turn>> finish();
  async::Task<Result<Turn>> kill();

  const ApiError* check_owner() const;
  const ApiError* check_body();
  const ApiError* take_kept_body();
  const ApiError* read_stage();
  void bind_body();
  bool proves_the_user() const;
  bool in_grace_period() const;

  const ApiError* challenge(std::string_view error_text, ChallengeKind kind) {
    return make_challenge(arena(), flows_, session_, error_text, kind);
  }

  host::Exchange& exchange_;
  Operation operation_;
  UiaRequest request_;
  const json::object* body_ = nullptr;  // the one that counts
  std::string_view digest_;             // of it
  std::optional<std::string_view> id_;  // of the session that the client named, or that was begun
  bool gone_ = false;                   // it is known not to be there
  Session session_;
  host::Flows flows_;  // once offered
  StageData stage_;
  std::optional<host::CompletedStage> proved_;  // by this request: not asked about again
};

async::Task<Result<const json::object*>> Dialogue::run() {
  body_ = operation_.body;
  if (operation_.body_error == nullptr) digest_ = http::digest(arena(), *body_);
  for (int conflicts = 0; conflicts < kMaxConflicts; ++conflicts) {
    const auto turn = co_await decide();
    if (!turn) co_return turn.error();
    if (*turn == Turn::kPermitted) co_return body_;
  }
  co_return give_up_conflicts(exchange_);
}

// One look at the session, from which all follows.
async::Task<Result<Turn>> Dialogue::decide() {
  const auto* refused = co_await find_session();  // U10, U11
  if (refused != nullptr) co_return refused;
  if (session_.dead) co_return &kDead;  // U6a
  if (session_.proves_another) {        // U6a
    co_return co_await kill();
  }
  const auto* other_body = check_body();  // U8, U11
  if (other_body != nullptr) co_return other_body;
  if (session_.finished_ms.has_value()) {
    co_return co_await repeat();
  }
  if (in_grace_period()) co_return Turn::kPermitted;  // U22

  const auto* no_flows = co_await offer_flows();
  if (no_flows != nullptr) co_return no_flows;
  if (session_.id.empty()) {
    const auto* answered = co_await begin_session();
    if (answered != nullptr) co_return answered;
  }
  co_return co_await go_on();
}

// The session that the client names, if it may go on with it. `session_` stays empty if there is
// none.
async::Task<const ApiError*> Dialogue::find_session() {
  session_ = Session();
  if (!id_.has_value() || gone_) co_return nullptr;
  const auto loaded = co_await load_session(exchange_, *id_);
  if (!loaded) co_return loaded.error();
  if (loaded->id.empty()) co_return nullptr;  // U9
  session_ = *loaded;
  const auto* not_owner = check_owner();
  if (not_owner != nullptr) co_return not_owner;
  co_return session_.subject == operation_.subject ? nullptr : &kOtherOperation;  // U11
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

// Whether the body is the one that the session is bound to, where it is to one. U8, U11, U12
const ApiError* Dialogue::check_body() {
  if (session_.id.empty()) return operation_.body_error;  // D7: only a session can stand in for it
  if (operation_.takes_kept_body) return take_kept_body();
  const bool bound = session_.finished_ms.has_value() ||
                     exchange_.config.uia.body_binding == config::BodyBinding::kStrict;
  return !bound || digest_ == session_.digest ? nullptr : &kOtherOperation;
}

// U8. Its digest is the session's, however the body has been written since.
const ApiError* Dialogue::take_kept_body() {
  if (!session_.body.has_value()) return &kBodyNotKept;
  const auto kept =
      http::parse_object(arena(), *session_.body, http::EmptyBody::kRefused, exchange_.config.json);
  if (!kept) return &kBodyNotKept;
  body_ = *kept;
  digest_ = session_.digest;
  return nullptr;
}

// U13, U27
async::Task<Result<Turn>> Dialogue::repeat() {
  const limits::Buckets buckets = limits::repeat_buckets(exchange_);
  const auto* limited = co_await limits::take(exchange_, buckets);
  if (limited != nullptr) co_return limited;
  co_return Turn::kPermitted;
}

bool Dialogue::in_grace_period() const {
  const auto& validated_ms = exchange_.who.validated_ms;
  const int64_t now = exchange_.now_ms();
  return validated_ms.has_value() && *validated_ms <= now &&
         now < *validated_ms + exchange_.config.uia.grace_period_ms;
}

async::Task<const ApiError*> Dialogue::offer_flows() {
  if (flows_.first != nullptr) co_return nullptr;
  mxd_uia_operation operation{};
  operation.size = sizeof operation;
  operation.user_id = host::view(exchange_.who.user.text);
  operation.device_id = host::view(exchange_.who.device.text);
  operation.method = host::view(operation_.subject.method);
  operation.endpoint = host::view(operation_.subject.endpoint);
  host::FlowsCall question(exchange_.line, operation);
  const auto offer = co_await question;
  if (offer.answer.error != nullptr) co_return offer.answer.error;
  flows_ = offer.flows;
  drop_unproved_flows(flows_, exchange_.config.uia.allow_unproved_flows);
  co_return flows_.first == nullptr ? &kNoWay : nullptr;  // U17
}

// A new session. Null with credentials to try in it (U3), else the client's answer (U1, U9).
async::Task<const ApiError*> Dialogue::begin_session() {
  const bool first_try = !id_.has_value() && request_.type.has_value();
  if (first_try) {
    const auto* bad_data = read_stage();
    if (bad_data != nullptr) co_return bad_data;
  }
  session_.subject = operation_.subject;
  bind_body();
  const auto* not_created = co_await create_session(exchange_, session_, operation_.description);
  if (not_created != nullptr) co_return not_created;
  if (id_.has_value()) co_return challenge(kUnknownSessionText, ChallengeKind::kFirst);
  if (!first_try) co_return challenge({}, ChallengeKind::kFirst);
  id_ = session_.id;
  co_return nullptr;
}

async::Task<Result<Turn>> Dialogue::go_on() {
  bool complete = completes_a_flow(flows_, session_.completed);
  if (complete && digest_ != session_.digest) co_return &kOtherOperation;  // U12
  const auto is_kept = [this](std::string_view type) {
    return is_completed(session_.completed, type);
  };
  const bool to_be_tried = !complete && !proved_.has_value() && request_.type.has_value() &&
                           !is_kept(*request_.type);  // U15
  if (to_be_tried) {
    const auto* failed = co_await attempt_stage();
    if (failed != nullptr) co_return failed;
  }
  if (proved_.has_value() && !is_kept(proved_->type)) {
    add_completed(arena(), session_, proved_->type, proved_->identity);
    complete = completes_a_flow(flows_, session_.completed);
  }
  if (complete) {
    co_return co_await finish();
  }
  co_return co_await keep();
}

const ApiError* Dialogue::read_stage() {
  stage_ = {*request_.type, request_.auth, {}};
  return read_credentials(stage_.type, *stage_.auth, stage_.credentials);
}

async::Task<const ApiError*> Dialogue::attempt_stage() {
  if (!is_due(flows_, session_.completed, *request_.type)) {  // U14
    co_return challenge(kWrongStageText, ChallengeKind::kContinued);
  }
  const auto* bad_data = read_stage();  // U4a
  if (bad_data != nullptr) co_return bad_data;
  const auto outcome = co_await try_stage(exchange_, session_.id, stage_);
  if (!outcome) co_return outcome.error();
  if (outcome->kind == StageOutcome::Kind::kOtherUser) co_return &kOtherUser;  // U6
  if (outcome->kind == StageOutcome::Kind::kWrong) {                           // U4
    co_return challenge(outcome->reason.empty() ? kRefusedText : outcome->reason,
                        ChallengeKind::kContinued);
  }
  proved_ = host::CompletedStage{stage_.type, outcome->identity.text, nullptr};
  co_return nullptr;
}

// The session is for this body from now on. U11, U12
void Dialogue::bind_body() {
  if (session_.digest == digest_) return;
  session_.digest = digest_;
  const std::string_view text = http::serialize(arena(), *body_);
  session_.body.reset();
  if (text.size() <= kMaxKeptBody) session_.body = text;
}

// More is to be done: keeps what there is of news. U5, U7, U15
async::Task<Result<Turn>> Dialogue::keep() {
  const bool has_news = session_.has_news || session_.digest != digest_;
  bind_body();
  if (has_news) {
    const auto replaced = co_await replace_session(exchange_, session_);
    if (!replaced) co_return replaced.error();
    gone_ = *replaced == MXD_NOT_FOUND;
    if (*replaced != MXD_OK) co_return Turn::kAgain;
  }
  co_return challenge({}, ChallengeKind::kContinued);
}

// U6a. That no stage proves another user, decide() has seen before.
bool Dialogue::proves_the_user() const {
  const auto* stage = session_.completed;
  while (stage != nullptr && stage->identity.empty())
    stage = stage->next;
  return stage != nullptr || exchange_.config.uia.allow_unproved_flows;
}

// A flow is complete.
async::Task<Result<Turn>> Dialogue::finish() {
  if (!proves_the_user()) {  // U6a
    co_return co_await kill();
  }
  bind_body();
  const int64_t now = exchange_.now_ms();
  session_.finished_ms = now;
  session_.expires_ms =
      std::min(session_.expires_ms, now + exchange_.config.uia.completed_lifetime_ms);  // U13
  const auto replaced = co_await replace_session(exchange_, session_);
  if (!replaced) co_return replaced.error();
  gone_ = *replaced == MXD_NOT_FOUND;
  if (*replaced != MXD_OK) co_return Turn::kAgain;
  if (exchange_.config.uia.grace_period_ms == 0) co_return Turn::kPermitted;

  mxd_validation validation{};
  validation.size = sizeof validation;
  validation.validated_ms = now;
  validation.user_id = host::view(exchange_.who.user.text);
  validation.device_id = host::view(exchange_.who.device.text);
  validation.token_id = host::view(exchange_.who.token_id);
  host::MarkValidatedCall mark(exchange_.line, validation);
  const auto marked = co_await mark;
  if (marked.error != nullptr) co_return marked.error;
  co_return Turn::kPermitted;
}

// U6a: nothing can be done with the session any more.
async::Task<Result<Turn>> Dialogue::kill() {
  session_.dead = true;
  const auto replaced = co_await replace_session(exchange_, session_);
  if (!replaced) co_return replaced.error();
  if (*replaced == MXD_CONFLICT) co_return Turn::kAgain;
  co_return &kDead;
}

}  // namespace

async::Task<Result<const json::object*>> reauthenticate(host::Exchange& exchange,
                                                        Operation operation, UiaRequest request) {
  Dialogue dialogue(exchange, operation, request);
  co_return co_await dialogue.run();
}

}  // namespace mxd::auth
