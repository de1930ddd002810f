#include "module/auth/stage.h"

#include <algorithm>
#include <boost/json/value.hpp>

#include "module/auth/limits.h"
#include "module/host/uia_calls.h"
#include "module/http/json_body.h"
#include "module/http/text.h"

namespace mxd::auth {
namespace {

namespace json = boost::json;

bool has_nul(const json::value* member) {
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text != nullptr && http::has_nul(*text);
}

// U4: whether a password, or whom it is for, holds U+0000, which a host need not be able to keep.
bool has_nul(const json::object& auth) {
  if (has_nul(auth.if_contains("password")) || has_nul(auth.if_contains("user"))) return true;
  const auto* identifier = auth.if_contains("identifier");
  const auto* members = identifier == nullptr ? nullptr : identifier->if_object();
  return members != nullptr &&
         std::any_of(members->begin(), members->end(),
                     [](const auto& member) { return has_nul(&member.value()); });
}

}  // namespace

async::Task<http::Result<StageOutcome>> try_stage(host::Exchange& exchange,
                                                  std::string_view session_id,
                                                  std::string_view type,
                                                  const boost::json::object& auth) {
  memory::Arena& arena = exchange.arena();
  const host::Principal& who = exchange.who;
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.user_id = host::view(who.user.text);
  attempt.device_id = host::view(who.device.text);
  attempt.session_id = host::view(session_id);
  attempt.type = host::view(type);
  attempt.auth_json = host::view(http::serialize(arena, auth));
  attempt.remote_addr = host::view(exchange.request.remote_addr);

  Attempt limit(exchange, type);
  const auto* limited = co_await limit.begin();  // U23
  if (limited != nullptr) co_return limited;
  if (has_nul(auth)) co_return StageOutcome();  // U4
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
    co_await limit.give_back();
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
  const int64_t now = exchange.now_ms();
  if (now >= session.created_ms + session.lifetime_ms) return false;
  return !session.finished_ms.has_value() ||
         now < *session.finished_ms + exchange.config.uia.completed_lifetime_ms;
}

}  // namespace mxd::auth
