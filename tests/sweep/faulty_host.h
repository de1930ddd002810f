#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "matrix_devices/module.h"
#include "tests/sweep/fault.h"
#include "tests/sweep/homeserver.h"
#include "tests/sweep/late_thread.h"

namespace mxd::sweep {

struct Answer {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;
};

struct LogLine {
  int32_t level;
  std::string text;
};

// The host's table over a Homeserver: answers rightly and inside its callbacks, but for the one
// fault that it was given. Checks what the contract promises to a host, and notes where that does
// not hold.
class FaultyHost {
 public:
  explicit FaultyHost(const mxd_module& module) : module_(module) {}

  mxd_host table(const Setup& setup);

  // Begins a case. No fault: everything is right.
  void begin(const Setup& setup, const Fault* fault);
  void set_step(size_t step) { step_ = step; }
  // From here on everything is right.
  void mend() { fault_ = nullptr; }

  // Sends a request and waits for its answer; what is held back until it is cancelled is.
  Answer send(mxd_instance* instance, mxd_request request);

  // Waits until no thread is at work any more, and checks what must be so then.
  void settle();

  // What is said of a case that never ends.
  void set_name(std::string name) { name_ = std::move(name); }

  Homeserver& homeserver() { return homeserver_; }
  const std::vector<Asked>& asked() const { return asked_; }
  bool fault_was_met() const { return met_; }
  // What was sent in the place of the right reply.
  const Reply& sent() const { return sent_; }
  std::vector<LogLine> take_log();
  // What did not hold.
  std::vector<std::string> take_complaints();

 private:
  // An operation that is open: its number and what it was asked with.
  struct Open {
    mxd_op op;
    std::function<std::string()> arguments;  // as they stand now
    std::string at_first;                    // as they stood
  };

  template <Callback callback, auto decide, class Question>
  static int32_t answer(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                        const Question* question) noexcept;
  int32_t deliver(Callback callback, Open open, Reply right);
  int32_t deliver_fault(Callback callback, const Open& open, Reply right);
  void emit_all(const Open& open, const Reply& reply);
  int32_t complete(const Open& open, int64_t status);
  void complete_once(const Open& open, const Reply& reply);
  void expect_stale(int32_t status, const char* what);
  void note(Callback callback, const Reply& reply);
  void complain(std::string what);
  bool is_at_fault(Callback callback, int nth) const;

  void respond(mxd_cookie request, const mxd_response& response);
  void cancel(mxd_op op);
  void release(mxd_cookie principal);
  int64_t now();
  int32_t random(void* out, size_t size);

  const mxd_module& module_;
  std::string name_;
  Homeserver homeserver_;
  Setup setup_;
  const Fault* fault_ = nullptr;
  bool met_ = false;
  size_t step_ = 0;
  Reply sent_;
  std::string check_type_;  // of the attempt that is answered
  std::map<Callback, int> calls_;
  std::vector<Asked> asked_;
  std::set<mxd_op> open_;
  std::set<mxd_cookie> principals_;  // taken, and not released
  mxd_cookie last_principal_ = 0;
  mxd_cookie last_request_ = 0;
  uint64_t random_ = 0;

  // Below: of several threads.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<mxd_cookie, Answer> answers_;
  std::map<mxd_cookie, int> answer_counts_;
  std::optional<std::pair<Open, Reply>> held_;
  std::vector<std::function<void()>> after_answer_;
  std::vector<int32_t> completions_;  // of those at once
  std::vector<LogLine> log_;
  std::vector<std::string> complaints_;
  LateThread late_;
};

}  // namespace mxd::sweep
