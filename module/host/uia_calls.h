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
  int32_t stage(const mxd_uia_stage& record) override;
  const char* add_flow(uint32_t number);
  const char* add_params(const mxd_uia_stage& record);

  mxd_uia_operation operation_;
  Flows flows_;
  Flow* last_flow_ = nullptr;
  Params* last_params_ = nullptr;
  uint32_t flow_count_ = 0;
  uint32_t stage_count_ = 0;
};

// `uia_create_session`
class CreateSessionCall final : public HostCall {
 public:
  CreateSessionCall(Line& line, const mxd_uia_session& session);
  struct Created {
    Answer answer;
    std::string_view id;  // the host's own, or the one that was proposed
  };
  Created await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t session_id(std::string_view id) override;

  mxd_uia_session session_;
  std::string_view own_id_;
};

// `uia_load_session`
class LoadSessionCall final : public HostCall {
 public:
  LoadSessionCall(Line& line, std::string_view id);
  struct Loaded {
    Answer answer;  // MXD_OK or MXD_NOT_FOUND
    KeptSession session;
  };
  Loaded await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t session(const mxd_uia_kept& record) override;
  int32_t completed(const mxd_uia_completed& record) override;
  const char* missing() const noexcept override;

  mxd_uia_session_key key_{};
  KeptSession session_;
  CompletedStage* last_ = nullptr;
  uint32_t completed_count_ = 0;
};

// `uia_replace_session`
class ReplaceSessionCall final : public HostCall {
 public:
  ReplaceSessionCall(Line& line, const mxd_uia_replacement& replacement);
  Answer await_resume() { return conclude(); }  // MXD_OK, MXD_CONFLICT or MXD_NOT_FOUND

 private:
  int32_t ask(mxd_op op) noexcept override;

  mxd_uia_replacement replacement_;
};

// `uia_check`
class CheckCall final : public HostCall {
 public:
  CheckCall(Line& line, const mxd_uia_attempt& attempt);
  struct Checked {
    Answer answer;            // MXD_OK, MXD_REFUSED or MXD_BAD_DATA
    UserId identity;          // with MXD_OK; empty: it proves nobody
    std::string_view reason;  // of a refusal, or empty
  };
  Checked await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;
  int32_t identity(std::string_view user_id) override;
  const char* missing() const noexcept override;

  mxd_uia_attempt attempt_;
  std::optional<UserId> identity_;
};

// `mark_validated`
class MarkValidatedCall final : public HostCall {
 public:
  MarkValidatedCall(Line& line, const mxd_validation& validation);
  Answer await_resume() { return conclude(); }

 private:
  int32_t ask(mxd_op op) noexcept override;

  mxd_validation validation_;
};

}  // namespace mxd::host
