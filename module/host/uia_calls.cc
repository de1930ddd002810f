#include "module/host/uia_calls.h"

#include "module/http/json_body.h"
#include "module/http/text.h"

namespace mxd::host {
namespace {

constexpr uint32_t kMaxFlows = 32;
constexpr uint32_t kMaxStagesOfAFlow = 16;

// What a stage's type and an identity may be.
bool is_short_text(std::string_view text) {
  return text.size() <= kMaxIdBytes && http::is_utf8(text) && !http::has_control_characters(text);
}

bool has_params(const Flows& flows, std::string_view type) {
  const Params* params = flows.params;
  while (params != nullptr && params->type != type)
    params = params->next;
  return params != nullptr;
}

}  // namespace

// ---- uia_flows ----

FlowsCall::FlowsCall(Line& line, const mxd_uia_operation& operation)
    : HostCall(line, "uia_flows", 0, WhenCancelled::kNotAsked), operation_(operation) {}

int32_t FlowsCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_flows(table.cookie(), line_.request, op, line_.principal, &operation_);
}

int32_t FlowsCall::stage(const mxd_uia_stage& record) {
  const std::string_view type = text(record.type);
  if (type.empty() || !is_short_text(type)) {
    return fault("emitted a stage whose type is not 1 to 255 bytes without control characters");
  }
  if (const char* wrong = add_flow(record.flow)) return fault(wrong);
  if (last_flow_->stage_count == kMaxStagesOfAFlow || stage_count_ == kMaxStages) {
    return fault("emitted more than 16 stages in a flow, or more than 64 in all");
  }
  if (const char* wrong = add_params(record)) return fault(wrong);
  auto* stage = arena().make<Flow::Stage>(arena().copy(type),
                                          (record.flags & MXD_STAGE_PROVES_NOBODY) != 0, nullptr);
  (last_flow_->last == nullptr ? last_flow_->first : last_flow_->last->next) = stage;
  last_flow_->last = stage;
  ++last_flow_->stage_count;
  ++stage_count_;
  return MXD_OK;
}

// Sees to it that `number` is the last flow's. Null, or what is wrong.
const char* FlowsCall::add_flow(uint32_t number) {
  if (flow_count_ != 0 && number == flow_count_ - 1) return nullptr;
  if (number != flow_count_) return "emitted flows out of order";
  if (flow_count_ == kMaxFlows) return "emitted more than 32 flows";
  auto* added = arena().make<Flow>();
  (last_flow_ == nullptr ? flows_.first : last_flow_->next) = added;
  last_flow_ = added;
  ++flow_count_;
  return nullptr;
}

// Null, or what is wrong.
const char* FlowsCall::add_params(const mxd_uia_stage& record) {
  if (record.params.size == 0) return nullptr;
  if (has_params(flows_, text(record.type))) return nullptr;
  const std::string_view kept = keep(record.params);
  std::string_view members;
  if (http::read_object(arena(), kept, members) == nullptr) {
    return "emitted params that are not a JSON object";
  }
  auto* added = arena().make<Params>(keep(record.type), kept, nullptr);
  (last_params_ == nullptr ? flows_.params : last_params_->next) = added;
  last_params_ = added;
  return nullptr;
}

FlowsCall::Offer FlowsCall::await_resume() {
  const Answer answer = conclude();
  return {answer, flows_};
}

// ---- uia_create_session ----

CreateSessionCall::CreateSessionCall(Line& line, const mxd_uia_session& session)
    : HostCall(line, "uia_create_session", 0, WhenCancelled::kNotAsked), session_(session) {}

int32_t CreateSessionCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_create_session(table.cookie(), line_.request, op, line_.principal, &session_);
}

int32_t CreateSessionCall::session_id(std::string_view id) {
  if (!own_id_.empty()) return fault("emitted two session IDs");
  if (!is_possible_id(id) || !http::is_utf8(id)) {
    return fault("emitted a session ID that is not 1 to 255 bytes of UTF-8 without U+0000");
  }
  own_id_ = arena().copy(id);
  return MXD_OK;
}

CreateSessionCall::Created CreateSessionCall::await_resume() {
  const Answer answer = conclude();
  return {answer, own_id_.empty() ? text(session_.proposed_id) : own_id_};
}

// ---- uia_load_session ----

LoadSessionCall::LoadSessionCall(Line& line, std::string_view id)
    : HostCall(line, "uia_load_session", bit(MXD_NOT_FOUND), WhenCancelled::kNotAsked) {
  key_.size = sizeof key_;
  key_.session_id = view(id);
}

int32_t LoadSessionCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_load_session(table.cookie(), line_.request, op, line_.principal, &key_);
}

int32_t LoadSessionCall::session(const mxd_uia_kept& record) {
  if (!session_.state.empty()) return fault("emitted two sessions");
  if (record.state.size == 0 || record.state.size > kMaxState) {
    return fault("emitted a session whose state is not 1 byte to 256 KiB");
  }
  if (record.revision < 1) return fault("emitted a session whose revision is below 1");
  session_.state = keep(record.state);
  session_.revision = record.revision;
  return MXD_OK;
}

int32_t LoadSessionCall::completed(const mxd_uia_completed& record) {
  const std::string_view type = text(record.type);
  const std::string_view identity = text(record.identity);
  if (type.empty() || !is_short_text(type) || !is_short_text(identity)) {
    return fault(
        "emitted a completed stage whose type or identity is not up to 255 bytes without control "
        "characters");
  }
  if (completed_count_ == kMaxStages) return fault("emitted more than 64 completed stages");
  auto* stage = arena().make<CompletedStage>(arena().copy(type), arena().copy(identity), nullptr);
  (last_ == nullptr ? session_.elsewhere : last_->next) = stage;
  last_ = stage;
  ++completed_count_;
  return MXD_OK;
}

const char* LoadSessionCall::missing() const noexcept {
  return session_.state.empty() ? "completed with MXD_OK, but emitted no session" : nullptr;
}

LoadSessionCall::Loaded LoadSessionCall::await_resume() {
  const Answer answer = conclude();
  return {answer, session_};
}

// ---- uia_replace_session ----

ReplaceSessionCall::ReplaceSessionCall(Line& line, const mxd_uia_replacement& replacement)
    : HostCall(line, "uia_replace_session", bit(MXD_CONFLICT) | bit(MXD_NOT_FOUND),
               WhenCancelled::kAskedAllTheSame),
      replacement_(replacement) {}

int32_t ReplaceSessionCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_replace_session(table.cookie(), line_.request, op, line_.principal,
                                    &replacement_);
}

// ---- uia_check ----

CheckCall::CheckCall(Line& line, const mxd_uia_attempt& attempt)
    : HostCall(line, "uia_check", bit(MXD_REFUSED) | bit(MXD_BAD_DATA), WhenCancelled::kNotAsked),
      attempt_(attempt) {}

int32_t CheckCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->uia_check(table.cookie(), line_.request, op, line_.principal, &attempt_);
}

int32_t CheckCall::identity(std::string_view user_id) {
  if (identity_.has_value()) return fault("emitted two identities");
  if (!is_short_text(user_id)) {
    return fault("emitted an identity that is not up to 255 bytes without control characters");
  }
  identity_ = UserId{arena().copy(user_id)};
  return MXD_OK;
}

const char* CheckCall::missing() const noexcept {
  return identity_.has_value()
             ? nullptr
             : "completed with MXD_OK, but emitted no identity (an empty one for nobody)";
}

CheckCall::Checked CheckCall::await_resume() {
  const Answer answer = conclude();
  if (answer.status == MXD_NO_MEMORY || answer.status == MXD_UNAVAILABLE) {  // H6
    line_.table.log(line_.request, MXD_LOG_WARNING,
                    answer.status == MXD_NO_MEMORY
                        ? "uia_check: the host had no memory to check the credentials"
                        : "uia_check: the host was too busy to check the credentials");
  }
  return {answer, identity_.value_or(UserId()), reason_};
}

// ---- mark_validated ----

MarkValidatedCall::MarkValidatedCall(Line& line, const mxd_validation& validation)
    : HostCall(line, "mark_validated", 0, WhenCancelled::kAskedAllTheSame),
      validation_(validation) {}

int32_t MarkValidatedCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->mark_validated(table.cookie(), line_.request, op, line_.principal, &validation_);
}

}  // namespace mxd::host
