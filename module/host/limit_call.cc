#include "module/host/limit_call.h"

namespace mxd::host {

TakeLimitCall::TakeLimitCall(Line& line, const mxd_limit* limits, size_t count, int32_t units)
    : HostCall(line, "take_limit", bit(MXD_LIMIT_EXCEEDED), WhenCancelled::kAskedAllTheSame) {
  limits_.size = sizeof limits_;
  limits_.units = units;
  limits_.limits = limits;
  limits_.limit_count = count;
}

int32_t TakeLimitCall::ask(mxd_op op) noexcept {
  const HostTable& table = line_.table;
  return table->take_limit(table.cookie(), line_.request, op, line_.principal, &limits_);
}

TakeLimitCall::Taken TakeLimitCall::await_resume() {
  const Answer answer = conclude();
  return {answer, retry_after_ms_};
}

}  // namespace mxd::host
