// One request: its coroutine, the loop that drives it, its one open question, and its answer.
#pragma once

#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "abi/check/answer.h"
#include "abi/check/request.h"
#include "abi/check/task.h"
#include "matrix_devices/module.h"

namespace mxd::check {

class Dialogue;
class Instance;
class Operation;

// What a coroutine waits for. `begin` is the last that a loop does before it lets go of the
// request, unless it returns true: then the coroutine goes on at once. It lives in the coroutine's
// frame, and may be gone once another thread can have resumed that.
class Suspension {
 public:
  virtual bool begin(const std::shared_ptr<Dialogue>& dialogue) = 0;

 protected:
  ~Suspension() = default;
};

class Dialogue : public std::enable_shared_from_this<Dialogue> {
 public:
  Dialogue(std::shared_ptr<Instance> instance, Request request);
  ~Dialogue();

  // Names it for cancel(); never 0.
  mxd_request_token token() const { return token_; }
  // Nothing: it is answered.
  static std::shared_ptr<Dialogue> find(mxd_request_token token);

  // Goes on: now, or when the outermost call into the module on this thread unwinds.
  void schedule();

  const Request& request() const { return request_; }
  Instance& instance() { return *instance_; }

  // For coroutines: wait, then go on there.
  void wait_for(Suspension& suspension, std::coroutine_handle<> then);
  // For a Suspension: the question that it is about to ask.
  void ask(const std::shared_ptr<Operation>& operation);
  void set_place(std::optional<size_t> place) { place_ = place; }
  std::optional<size_t> place() const { return place_; }

  const std::optional<Principal>& principal() const { return principal_; }
  void set_principal(std::optional<Principal> principal) { principal_ = std::move(principal); }
  void set_response(uint32_t http_status, std::string body, bool is_json);

  void cancel();
  void abandon();
  void note_unanswered();

 private:
  void advance();
  void finish();
  void respond();

  const std::shared_ptr<Instance> instance_;
  const Request request_;
  mxd_request_token token_ = 0;

  std::optional<Task<>> task_;
  std::coroutine_handle<> next_;
  std::coroutine_handle<> then_;
  Suspension* suspension_ = nullptr;
  std::optional<size_t> place_;

  std::optional<Principal> principal_;
  uint32_t http_status_ = 500;
  std::string body_;
  bool is_json_ = true;

  std::mutex mutex_;  // of what follows
  std::weak_ptr<Operation> operation_;
  bool cancelled_ = false;
};

}  // namespace mxd::check
