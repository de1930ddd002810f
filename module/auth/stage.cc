#include "module/auth/stage.h"

#include "module/host/uia_calls.h"
#include "module/http/json_body.h"
#include "module/http/text.h"
#include "module/limits/limits.h"

namespace mxd::auth {
namespace {

// U4: a password, or whom it is for, with U+0000, which no host need be able to keep.
bool has_nul(const Credentials& credentials) {
  for (const auto text : {credentials.user, credentials.medium, credentials.address,
                          credentials.country, credentials.password}) {
    if (http::has_nul(text)) return true;
  }
  return false;
}

mxd_uia_attempt make_attempt(host::Exchange& exchange, std::string_view session_id,
                             const StageData& data) {
  const Credentials& credentials = data.credentials;
  mxd_uia_attempt attempt{};
  attempt.size = sizeof attempt;
  attempt.flags = credentials.given;
  attempt.user_id = host::view(exchange.who.user.text);
  attempt.device_id = host::view(exchange.who.device.text);
  attempt.session_id = host::view(session_id);
  attempt.type = host::view(data.type);
  attempt.remote_addr = host::view(exchange.request.remote_addr);
  attempt.user = host::view(credentials.user);
  attempt.medium = host::view(credentials.medium);
  attempt.address = host::view(credentials.address);
  attempt.country = host::view(credentials.country);
  attempt.password = host::view(credentials.password);
  attempt.auth_json = host::view(http::serialize(exchange.arena(), *data.auth));
  return attempt;
}

}  // namespace

async::Task<http::Result<StageOutcome>> try_stage(host::Exchange& exchange,
                                                  std::string_view session_id,
                                                  const StageData& data) {
  const mxd_uia_attempt attempt = make_attempt(exchange, session_id, data);
  limits::Attempt limit(exchange, data.type);
  const auto* limited = co_await limit.begin();  // U23
  if (limited != nullptr) co_return limited;
  if (has_nul(data.credentials)) co_return StageOutcome();  // U4
  host::CheckCall question(exchange.line, attempt);
  const auto checked = co_await question;

  StageOutcome outcome;
  outcome.identity = checked.identity;
  outcome.reason = checked.reason;
  if (checked.answer.status == MXD_OK) {
    const bool same_user = checked.identity.text.empty() || checked.identity == exchange.who.user;
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
    co_return http::make_error(exchange.arena(), {400, "M_BAD_JSON", reason});
  }
  co_return outcome;
}

}  // namespace mxd::auth
