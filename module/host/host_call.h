#pragma once

#include <coroutine>
#include <cstdint>

#include "module/async/gate.h"
#include "module/async/slot.h"
#include "module/host/host_table.h"
#include "module/host/results.h"
#include "module/http/api_error.h"
#include "module/memory/arena.h"

namespace mxd::host {

// What all questions of one request have in common.
struct Line {
  const HostTable& table;
  async::Gate& gate;
  async::Slot& slot;
  mxd_cookie request;
  mxd_cookie principal = 0;
};

// How the host answered. With `error` the question failed, and that is the client's answer;
// otherwise `status` is MXD_OK or one that the question lists.
struct Answer {
  int32_t status;
  const http::ApiError* error;
};

// One question to the host, awaited once. It lives in the frame of the coroutine that asks, as do
// its arguments; nothing in it needs a destructor.
class HostCall : public Results {
 public:
  bool await_ready() noexcept {
    return cancelled_ == WhenCancelled::kNotAsked && line_.slot.cancelled();
  }

  // Kept out of line: see Task.
  [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> waiting) noexcept;

 protected:
  // Whether a request that was cancelled before still asks this.
  enum class WhenCancelled { kNotAsked, kAskedAllTheSame };

  // `name` is the callback's. `statuses`: bit s is set if status s, above MXD_OK, is an answer.
  HostCall(Line& line, const char* name, uint32_t statuses, WhenCancelled cancelled)
      : line_(line), name_(name), statuses_(statuses), cancelled_(cancelled) {}
  ~HostCall() = default;

  // Calls the host's callback.
  virtual int32_t ask(mxd_op op) noexcept = 0;
  // What is missing for MXD_OK, or null.
  virtual const char* missing() const noexcept { return nullptr; }

  // For await_resume(): settles what the answer was.
  Answer conclude();

  memory::Arena& arena() noexcept { return line_.slot.arena(); }
  std::string_view keep(mxd_view view) { return arena().copy(text(view)); }

  int32_t reason(std::string_view text) override;
  int32_t retry_after(int64_t ms) override;
  int32_t error(const mxd_error& error) override;

  static constexpr uint32_t bit(int32_t status) { return uint32_t{1} << status; }

  Line& line_;
  std::string_view reason_;
  int64_t retry_after_ms_ = -1;

 private:
  Answer misbehaved(const char* what, const char* record = "");

  const char* name_;
  uint32_t statuses_;
  WhenCancelled cancelled_;
  bool asked_ = false;
  bool contradicted_ = false;
  const http::ApiError* error_ = nullptr;
};

}  // namespace mxd::host
