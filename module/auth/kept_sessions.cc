#include "module/auth/kept_sessions.h"

#include <sodium/utils.h>

#include <algorithm>

#include "module/host/uia_calls.h"
#include "module/http/target.h"
#include "module/http/text.h"
#include "module/limits/limits.h"

namespace mxd::auth {
namespace {

using http::ApiError;
using http::Result;
using Outcome = ReadSession::Outcome;

constexpr ApiError kContended{503,
                              "M_UNKNOWN",
                              "Other requests with this session came in between. Send this again.",
                              {},
                              1000};

constexpr size_t kRandomBytes = 32;

// As 43 characters of [A-Za-z0-9_-].
std::string_view to_id(memory::Arena& arena, const unsigned char (&random)[kRandomBytes]) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  constexpr size_t kSize = sodium_base64_ENCODED_LEN(kRandomBytes, kVariant);
  char* const out = arena.make_array<char>(kSize);
  sodium_bin2base64(out, kSize, random, kRandomBytes, kVariant);
  return {out, kSize - 1};
}

// As 64 hexadecimal digits.
std::string_view to_form_token(memory::Arena& arena, const unsigned char (&random)[kRandomBytes]) {
  constexpr size_t kSize = 2 * kRandomBytes + 1;
  char* const out = arena.make_array<char>(kSize);
  sodium_bin2hex(out, kSize, random, kRandomBytes);
  return {out, kSize - 1};
}

}  // namespace

async::Task<Result<Session>> load_session(host::Exchange& exchange, std::string_view id) {
  if (!host::is_possible_id(id)) co_return Session();  // U9
  host::LoadSessionCall question(exchange.line, id);
  const auto loaded = co_await question;
  if (loaded.answer.error != nullptr) co_return loaded.answer.error;
  if (loaded.answer.status == MXD_NOT_FOUND) co_return Session();
  const ReadSession read = read_session(exchange.arena(), id, loaded.session);
  if (read.outcome == Outcome::kMalformed) {
    exchange.line.table.log(exchange.line.request, MXD_LOG_HOST_MISBEHAVING,
                            "uia_load_session: emitted a state that is not what it was given");
    co_return &http::kInternal;
  }
  const bool usable = read.outcome == Outcome::kGood && exchange.now_ms() < read.session.expires_ms;
  if (!usable) co_return Session();
  co_return read.session;
}

async::Task<const ApiError*> create_session(host::Exchange& exchange, Session& session,
                                            std::string_view description) {
  const limits::Buckets buckets = limits::challenge_buckets(exchange);
  const auto* limited = co_await limits::take(exchange, buckets);  // U25
  if (limited != nullptr) co_return limited;

  unsigned char random[2][kRandomBytes];
  if (!exchange.line.table.random_bytes(random, sizeof random)) {
    exchange.line.table.log(exchange.line.request, MXD_LOG_ERROR,
                            "random_bytes failed, and a session can't do without");
    co_return &http::kInternal;
  }
  const std::string_view proposed_id = to_id(exchange.arena(), random[0]);
  session.form_token = to_form_token(exchange.arena(), random[1]);
  const host::Principal& who = exchange.who;
  session.user = who.user;
  session.device = who.device;
  session.token_id = who.token_id;
  session.expires_ms =
      std::min(exchange.now_ms() + exchange.config.uia.session_lifetime_ms, host::kLatestTimeMs);

  mxd_uia_session record{};
  record.size = sizeof record;
  record.expires_ms = session.expires_ms;
  record.max_live = exchange.config.uia.max_sessions_per_user;
  record.proposed_id = host::view(proposed_id);
  record.user_id = host::view(session.user.text);
  record.device_id = host::view(session.device.text);
  record.token_id = host::view(session.token_id);
  record.state = host::view(write_state(exchange.arena(), session));
  record.method = host::view(session.subject.method);
  record.endpoint = host::view(session.subject.endpoint);
  record.target = host::view(
      http::without_parameter(exchange.arena(), exchange.request.target, "access_token"));
  record.description = host::view(description);
  host::CreateSessionCall question(exchange.line, record);
  const auto created = co_await question;
  if (created.answer.error != nullptr) co_return created.answer.error;
  session.id = created.id;
  session.revision = 1;
  session.has_news = false;
  co_return nullptr;
}

async::Task<Result<int32_t>> replace_session(host::Exchange& exchange, const Session& session) {
  mxd_uia_replacement record{};
  record.size = sizeof record;
  record.flags = session.finished_ms.has_value() ? MXD_UIA_FINISHED : 0;
  record.revision = session.revision;
  record.expires_ms = session.expires_ms;
  record.session_id = host::view(session.id);
  record.user_id = host::view(session.user.text);
  record.state = host::view(write_state(exchange.arena(), session));
  if (record.state.size > host::kMaxState) {  // of members that a later version has added
    exchange.line.table.log(exchange.line.request, MXD_LOG_ERROR,
                            "a session's state would be over 256 KiB; it is left as it was");
    co_return &http::kInternal;
  }
  host::ReplaceSessionCall question(exchange.line, record);
  const auto replaced = co_await question;
  if (replaced.error != nullptr) co_return replaced.error;
  co_return replaced.status;
}

const ApiError* give_up_conflicts(host::Exchange& exchange) {
  exchange.line.table.log(exchange.line.request, MXD_LOG_HOST_MISBEHAVING,
                          "uia_replace_session: said CONFLICT eight times in one request");
  return &kContended;
}

}  // namespace mxd::auth
