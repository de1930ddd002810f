#include "module/host/uia_calls.h"

#include "module/http/json_body.h"
#include "module/http/text.h"

namespace mxd::host {
namespace {

constexpr size_t kDigestBytes = 32;

}  // namespace

// ---- uia_flows ----

FlowsCall::FlowsCall(Line& line, const mxd_uia_operation& operation)
    : HostCall(line, "uia_flows", 0, Cancel::kBefore), operation_(operation) {}

int32_t FlowsCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_flows(table.cookie(), line_.request, op, line_.principal, &operation_);
}

int32_t FlowsCall::flow_stage(uint32_t flow, std::string_view type) {
  if (type.empty() || !http::is_utf8(type)) return fault("emitted a stage without a type in UTF-8");
  const bool next_flow = flow == flow_count_;
  const bool same_flow = flow_count_ != 0 && flow == flow_count_ - 1;
  if (!next_flow && !same_flow) return fault("emitted flows out of order");
  if (next_flow) {
    auto* added = arena().make<Flow>();
    (last_flow_ == nullptr ? flows_.first : last_flow_->next) = added;
    last_flow_ = added;
    ++flow_count_;
  }
  auto* stage = arena().make<Flow::Stage>(arena().copy(type), nullptr);
  (last_flow_->last == nullptr ? last_flow_->first : last_flow_->last->next) = stage;
  last_flow_->last = stage;
  return MXD_OK;
}

int32_t FlowsCall::params(std::string_view type, std::string_view json) {
  if (type.empty() || !http::is_utf8(type)) {
    return fault("emitted parameters without a type in UTF-8");
  }
  const std::string_view kept = arena().copy(json);
  std::string_view members;
  if (!http::is_object(arena(), kept, members)) {
    return fault("emitted parameters that are not a JSON object");
  }
  auto* added = arena().make<Params>(arena().copy(type), kept, nullptr);
  (last_params_ == nullptr ? flows_.params : last_params_->next) = added;
  last_params_ = added;
  return MXD_OK;
}

FlowsCall::Offer FlowsCall::await_resume() {
  const Answer answer = conclude();
  return {answer, flows_};
}

// ---- uia_create_session ----

CreateSessionCall::CreateSessionCall(Line& line, const mxd_session& session)
    : HostCall(line, "uia_create_session", 0, Cancel::kBefore), session_(session) {}

int32_t CreateSessionCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_create_session(table.cookie(), line_.request, op, line_.principal, &session_);
}

int32_t CreateSessionCall::session_id(std::string_view id) {
  if (!id_.empty()) return fault("emitted two session IDs");
  if (!is_possible_id(id) || !http::is_utf8(id)) {
    return fault("emitted a session ID that is not 1 to 255 bytes of UTF-8 without U+0000");
  }
  id_ = arena().copy(id);
  return MXD_OK;
}

const char* CreateSessionCall::missing() const noexcept {
  return id_.empty() ? "completed with MXD_OK, but emitted no session ID" : nullptr;
}

CreateSessionCall::Created CreateSessionCall::await_resume() {
  const Answer answer = conclude();
  return {answer, id_};
}

// ---- uia_load_session, uia_record ----

SessionCall::SessionCall(Line& line, const char* name, std::string_view id, Cancel cancel)
    : HostCall(line, name, bit(MXD_NOT_FOUND), cancel), id_(id) {}

int32_t SessionCall::session(const mxd_session& record) {
  if (emitted_) return fault("emitted two sessions");
  if (record.user_id.size == 0) return fault("emitted a session without a user");
  if (record.body_digest.size != kDigestBytes) {
    return fault("emitted a session whose body_digest is not 32 bytes");
  }
  const bool finished = (record.flags & MXD_SESSION_FINISHED) != 0;
  if (finished && record.finished_digest.size != kDigestBytes) {
    return fault("emitted a finished session whose finished_digest is not 32 bytes");
  }
  if (!is_time(record.created_ms) || !is_time(record.lifetime_ms) ||
      (finished && !is_time(record.finished_ms))) {
    return fault("emitted a session whose times are negative or too large");
  }
  session_.id = id_;
  session_.created_ms = record.created_ms;
  session_.lifetime_ms = record.lifetime_ms;
  session_.user = UserId{keep(record.user_id)};
  session_.device = DeviceId{keep(record.device_id)};
  session_.token_id = keep(record.token_id);
  session_.method = keep(record.method);
  session_.endpoint = keep(record.endpoint);
  session_.path_device = DeviceId{keep(record.path_device_id)};
  session_.description = keep(record.description);
  session_.body_digest = keep(record.body_digest);
  if ((record.flags & MXD_SESSION_HAS_BODY) != 0) session_.body = keep(record.body);
  if (finished) {
    session_.finished_ms = record.finished_ms;
    session_.finished_digest = keep(record.finished_digest);
  }
  emitted_ = true;
  return MXD_OK;
}

int32_t SessionCall::completed_stage(std::string_view type, std::string_view identity) {
  if (type.empty() || !http::is_utf8(type) || !http::is_utf8(identity)) {
    return fault("emitted a completed stage without a type in UTF-8");
  }
  auto* stage = arena().make<CompletedStage>();
  stage->type = arena().copy(type);
  if (!identity.empty()) stage->identity = UserId{arena().copy(identity)};
  (last_stage_ == nullptr ? session_.completed : last_stage_->next) = stage;
  last_stage_ = stage;
  return MXD_OK;
}

const char* SessionCall::missing() const noexcept {
  return emitted_ ? nullptr : "completed with MXD_OK, but emitted no session";
}

SessionCall::Loaded SessionCall::await_resume() {
  const Answer answer = conclude();
  return {answer, session_};
}

LoadSessionCall::LoadSessionCall(Line& line, std::string_view id)
    : SessionCall(line, "uia_load_session", id, Cancel::kBefore) {}

int32_t LoadSessionCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_load_session(table.cookie(), line_.request, op, line_.principal, view(id_));
}

RecordCall::RecordCall(Line& line, const mxd_uia_record& record)
    : SessionCall(line, "uia_record", text(record.session_id), Cancel::kNever), record_(record) {}

int32_t RecordCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_record(table.cookie(), line_.request, op, line_.principal, &record_);
}

// ---- uia_check ----

CheckCall::CheckCall(Line& line, const mxd_uia_attempt& attempt)
    : HostCall(line, "uia_check", bit(MXD_REFUSED) | bit(MXD_BAD_DATA) | kNoMemory,
               Cancel::kBefore),
      attempt_(attempt) {}

int32_t CheckCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_check(table.cookie(), line_.request, op, line_.principal, &attempt_);
}

int32_t CheckCall::identity(std::string_view user_id) {
  if (identity_.has_value()) return fault("emitted two identities");
  if (user_id.empty() || !http::is_utf8(user_id)) {
    return fault("emitted an identity that is not a user ID in UTF-8");
  }
  identity_ = UserId{arena().copy(user_id)};
  return MXD_OK;
}

CheckCall::Checked CheckCall::await_resume() {
  const Answer answer = conclude();
  if (answer.status == MXD_NO_MEMORY || answer.status == MXD_UNAVAILABLE) {  // H6
    line_.table.log(line_.request, MXD_LOG_WARNING,
                    answer.status == MXD_NO_MEMORY
                        ? "uia_check: the host had no memory to check the credentials"
                        : "uia_check: the host was too busy to check the credentials");
  }
  return {answer, identity_, reason_};
}

// ---- mark_validated ----

MarkValidatedCall::MarkValidatedCall(Line& line, int64_t now_ms)
    : HostCall(line, "mark_validated", 0, Cancel::kNever), now_ms_(now_ms) {}

int32_t MarkValidatedCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->mark_validated(table.cookie(), line_.request, op, line_.principal, now_ms_);
}

// ---- take_limit ----

TakeLimitCall::TakeLimitCall(Line& line, const mxd_limit* limits, size_t count, Act act)
    : HostCall(line, "take_limit", bit(MXD_LIMIT_EXCEEDED), Cancel::kNever),
      limits_(limits),
      count_(count),
      act_(act) {}

int32_t TakeLimitCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->take_limit(table.cookie(), line_.request, op, line_.principal, limits_, count_,
                           act_ == Act::kGiveBack ? -1 : 1);
}

TakeLimitCall::Taken TakeLimitCall::await_resume() {
  if (act_ == Act::kGiveBack) line_.limiter.give_back(limits_, count_);
  if (line_.table->take_limit != nullptr) {
    const Answer answer = conclude();
    return {answer, retry_after_ms_, false};
  }
  if (act_ == Act::kGiveBack) return {{MXD_OK, nullptr}, 0, false};
  const auto taken =
      line_.limiter.take(limits_, count_, line_.table.now_ms(), act_ == Act::kAttempt);
  const int32_t status = taken.wait_ms == 0 ? MXD_OK : MXD_LIMIT_EXCEEDED;
  return {{status, nullptr}, taken.wait_ms, taken.attempts_alone};
}

}  // namespace mxd::host
