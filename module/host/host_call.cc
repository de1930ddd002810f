#include "module/host/host_call.h"

#include "module/host/ids.h"
#include "module/http/json_body.h"
#include "module/http/text.h"

namespace mxd::host {
namespace {

using http::ApiError;

constexpr int64_t kDefaultRetryMs = 1000;

using http::kInternal;
constexpr const char* kNotItsOwn = "completed with a status that is not among its own";
constexpr ApiError kTimedOut{504, "M_UNKNOWN",
                             "The server did not get an answer in time. Try again later."};

}  // namespace

bool HostCall::await_suspend(std::coroutine_handle<> waiting) noexcept {
  asked_ = true;
  async::Slot& slot = line_.slot;
  const mxd_op op = slot.open(static_cast<Results*>(this), waiting);
  // Opened first, so that abandon() finds the slot where it is not seen here. Never to be resumed.
  if (op == 0 || line_.gate.abandoned()) return true;
  const int32_t returned = ask(op);
  bool contradicted = false;
  // Once settled as suspended, another thread may have resumed, and freed, what `this` lies in.
  if (slot.settle(returned != MXD_OK, returned, contradicted)) return true;
  contradicted_ = contradicted;
  return false;
}

int32_t HostCall::reason(std::string_view text) {
  if (!http::is_plain_text(text)) return fault("emitted a reason that is not UTF-8 without U+0000");
  reason_ = arena().copy(text);
  return MXD_OK;
}

int32_t HostCall::retry_after(int64_t ms) {
  if (ms < 0) return fault("emitted a negative time to retry after");
  retry_after_ms_ = ms;
  return MXD_OK;
}

int32_t HostCall::error(const mxd_error& error) {
  if (error.http_status < 400 || error.http_status > 599) {
    return fault("emitted an error whose HTTP status is not from 400 to 599");
  }
  // U24: a 401 in the middle of an authentication would log the client out.
  if (error.http_status == 401 && std::string_view(name_).starts_with("uia_")) {
    return fault("emitted a 401, which only the module may answer here");
  }
  if (!is_possible_id(text(error.errcode))) {
    return fault("emitted an error whose errcode is not 1 to 255 bytes");
  }
  for (const auto& member : {error.errcode, error.text, error.extra_json}) {
    if (!http::is_plain_text(text(member))) {
      return fault("emitted an error that is not UTF-8 without U+0000");
    }
  }
  std::string_view members;
  if (error.extra_json.size != 0) {
    const auto* extra = http::read_object(arena(), keep(error.extra_json), members);
    if (extra == nullptr) return fault("emitted an error whose extra_json is not a JSON object");
    for (const char* own : {"errcode", "error", "retry_after_ms"}) {
      if (extra->contains(own)) {
        return fault("emitted an error whose extra_json has errcode, error or retry_after_ms");
      }
    }
  }
  error_ = arena().make<ApiError>(ApiError{static_cast<int>(error.http_status), keep(error.errcode),
                                           keep(error.text), members, error.retry_after_ms});
  return MXD_OK;
}

Answer HostCall::misbehaved(const char* what, const char* record) {
  line_.table.log(line_.request, MXD_LOG_HOST_MISBEHAVING,
                  http::concatenate(arena(), {name_, ": ", what, record}));
  return {MXD_INTERNAL, &kInternal};
}

Answer HostCall::conclude() {
  const int32_t status = asked_ ? line_.slot.status() : MXD_CANCELLED;
  if (contradicted_) {
    misbehaved("returned an error for an operation that it had completed; the completion counts");
  }
  if (fault_ != nullptr) return misbehaved(fault_, faulty_record_);
  if (lacks_memory_) {  // H4
    line_.table.log(line_.request, MXD_LOG_ERROR,
                    http::concatenate(arena(), {name_, ": no memory for what the host emitted"}));
    return {MXD_INTERNAL, &kInternal};
  }
  switch (status) {
    case MXD_OK:
      return missing() == nullptr ? Answer{MXD_OK, nullptr} : misbehaved(missing());
    case MXD_HOST_ERROR:
      return error_ != nullptr ? Answer{status, error_}
                               : misbehaved("completed with MXD_HOST_ERROR, but emitted no error");
    case MXD_NO_MEMORY:
    case MXD_UNAVAILABLE: {
      const ApiError error{503,
                           "M_UNKNOWN",
                           "The server is busy or stopping. Try again later.",
                           {},
                           retry_after_ms_ < 0 ? kDefaultRetryMs : retry_after_ms_};
      return {status, http::make_error(arena(), error)};
    }
    case MXD_CANCELLED: {
      const ApiError error{
          503, "M_UNKNOWN", "The request was cancelled. Send it again.", {}, kDefaultRetryMs};
      return {status, http::make_error(arena(), error)};
    }
    case MXD_TIMEOUT:
      return {status, &kTimedOut};
    case MXD_INTERNAL:
      line_.table.log(line_.request, MXD_LOG_ERROR,
                      http::concatenate(arena(), {name_, ": the host failed inside"}));
      return {status, &kInternal};
    default:
      if (status > MXD_OK && status < 31 && (statuses_ & bit(status)) != 0) {
        return {status, nullptr};
      }
      return misbehaved(kNotItsOwn);
  }
}

}  // namespace mxd::host
