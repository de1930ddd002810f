#include "module/auth/stage.h"

#include "module/auth/limits.h"
#include "module/host/uia_calls.h"
#include "module/http/json_body.h"

namespace mxd::auth {

async::Task<http::Result<StageOutcome>> try_stage(host::Exchange& exchange,
                                                  std::string_view session_id,
                                                  std::string_view type,
                                                  const boost::json::object& auth) {
  async::Arena& arena = exchange.arena();
  const host::Principal& who = exchange.who;
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.user_id = host::view(who.user.text);
  attempt.device_id = host::view(who.device.text);
  attempt.session_id = host::view(session_id);
  attempt.type = host::view(type);
  attempt.auth_json = host::view(http::serialize(arena, auth));
  attempt.remote_addr = host::view(exchange.request.remote_addr);

  // Taken first, so that guesses sent at once don't slip through.
  const Buckets buckets = failure_buckets(exchange);
  const auto* limited = co_await take(exchange, buckets);  // U23
  if (limited != nullptr) co_return limited;
  host::CheckCall question(exchange.line, attempt);
  const auto checked = co_await question;

  StageOutcome outcome;
  outcome.identity = checked.identity;
  outcome.reason = checked.reason;
  if (checked.answer.status == MXD_OK) {
    const bool same_user = !checked.identity.has_value() || *checked.identity == who.user;
    outcome.kind = same_user ? StageOutcome::Kind::kRight : StageOutcome::Kind::kOtherUser;
  }
  const bool failure =
      checked.answer.status == MXD_REFUSED ||
      (checked.answer.status == MXD_OK && outcome.kind == StageOutcome::Kind::kOtherUser);
  if (!failure) {
    co_await give_back(exchange, buckets);
  }
  if (checked.answer.error != nullptr) co_return checked.answer.error;
  if (checked.answer.status == MXD_BAD_DATA) {  // U4a
    const std::string_view reason = checked.reason.empty()
                                        ? "A field of 'auth' is missing or of a wrong type."
                                        : checked.reason;
    co_return http::make_error(arena, {400, "M_BAD_JSON", reason});
  }
  co_return outcome;
}

bool is_live(const host::Session& session, const host::Exchange& exchange) {
  const std::int64_t now = exchange.now_ms();
  if (now >= session.created_ms + session.lifetime_ms) return false;
  return !session.finished_ms.has_value() ||
         now < *session.finished_ms + exchange.config.uia.completed_lifetime_ms;
}

}  // namespace mxd::auth
