#pragma once

#include "module/host/host_call.h"

namespace mxd::host {

// `take_limit`, of a host that has it.
class TakeLimitCall final : public HostCall {
 public:
  // `units`: 1, or -1 to give one back.
  TakeLimitCall(Line& line, const mxd_limit* limits, size_t count, int32_t units);
  struct Taken {
    Answer answer;  // MXD_OK or MXD_LIMIT_EXCEEDED
    int64_t retry_after_ms;
  };
  Taken await_resume();

 private:
  int32_t ask(mxd_op op) noexcept override;

  mxd_limit_request limits_{};
};

}  // namespace mxd::host
