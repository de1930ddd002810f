#pragma once

#include <optional>

#include "module/host/host_call.h"
#include "module/host/records.h"

namespace mxd::host {

// `uia_flows`
class FlowsCall final : public HostCall {
 public:
  FlowsCall(Line& line, const mxd_uia_operation& operation);
  struct Offer {
    Answer answer;
    Flows flows;
  };
  Offer await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t flow_stage(uint32_t flow, std::string_view type) override;
  int32_t params(std::string_view type, std::string_view json) override;

  mxd_uia_operation operation_;
  Flows flows_;
  Flow* last_flow_ = nullptr;
  Params* last_params_ = nullptr;
  uint32_t flow_count_ = 0;
};

// `uia_create_session`
class CreateSessionCall final : public HostCall {
 public:
  CreateSessionCall(Line& line, const mxd_session& session);
  struct Created {
    Answer answer;
    std::string_view id;
  };
  Created await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t session_id(std::string_view id) override;
  const char* missing() const noexcept override;

  mxd_session session_;
  std::string_view id_;
};

// What `uia_load_session` and `uia_record` have in common: a session comes back.
class SessionCall : public HostCall {
 public:
  struct Loaded {
    Answer answer;
    Session session;
  };
  Loaded await_resume();

 protected:
  SessionCall(Line& line, const char* name, std::string_view id, Cancel cancel);
  ~SessionCall() = default;

  std::string_view id_;

 private:
  int32_t session(const mxd_session& record) override;
  int32_t completed_stage(std::string_view type, std::string_view identity) override;
  const char* missing() const noexcept override;

  Session session_;
  CompletedStage* last_stage_ = nullptr;
  bool emitted_ = false;
};

// `uia_load_session`
class LoadSessionCall final : public SessionCall {
 public:
  LoadSessionCall(Line& line, std::string_view id);

 private:
  int32_t ask(mxd_op op) noexcept override;
};

// `uia_record`
class RecordCall final : public SessionCall {
 public:
  RecordCall(Line& line, const mxd_uia_record& record);

 private:
  int32_t ask(mxd_op op) noexcept override;

  mxd_uia_record record_;
};

// `uia_check`
class CheckCall final : public HostCall {
 public:
  CheckCall(Line& line, const mxd_uia_attempt& attempt);
  struct Checked {
    Answer answer;                   // MXD_OK, MXD_REFUSED or MXD_BAD_DATA
    std::optional<UserId> identity;  // with MXD_OK
    std::string_view reason;         // of a refusal, or empty
  };
  Checked await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t identity(std::string_view user_id) override;

  mxd_uia_attempt attempt_;
  std::optional<UserId> identity_;
};

// `mark_validated`
class MarkValidatedCall final : public HostCall {
 public:
  MarkValidatedCall(Line& line, int64_t now_ms);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;

  int64_t now_ms_;
};

// `take_limit`, or where the host has none the module's own count
class TakeLimitCall final : public HostCall {
 public:
  // kAttempt: where the module counts, it is in flight once it has a unit.
  enum class Act { kTake, kAttempt, kGiveBack };
  TakeLimitCall(Line& line, const mxd_limit* limits, size_t count, Act act);
  bool await_ready() noexcept { return line_.table->take_limit == nullptr; }
  struct Taken {
    Answer answer;  // MXD_OK or MXD_LIMIT_EXCEEDED
    int64_t retry_after_ms;
    bool attempts_alone;  // where the module counts: Limiter::Taken
  };
  Taken await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;

  const mxd_limit* limits_;
  size_t count_;
  Act act_;
};

}  // namespace mxd::host
