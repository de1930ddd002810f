// One request on its way through the module: the open question, if any, and at last the response.
//
// The module's callbacks put questions in, on whichever thread they run; whoever drives the request
// takes them out and completes them. The module asks one question at a time for a request.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bindings/python/core/wakeup.h"
#include "matrix_devices/module.hpp"

namespace mxd::python {

// The callbacks with an operation, in the order of mxd_host.
enum class Callback : int32_t {
  kAuthenticate,
  kListDevices,
  kGetDevice,
  kRenameDevice,
  kDeleteDevices,
  kUiaFlows,
  kUiaCreateSession,
  kUiaLoadSession,
  kUiaReplaceSession,
  kUiaCheck,
  kPutDevice,
  kMarkValidated,
  kTakeLimit,
};

// What is asked: one struct of the contract, and the module's until the operation is completed.
using Asked =
    std::variant<const mxd_credentials*, const mxd_device_query*, const mxd_device_key*,
                 const mxd_device_update*, const mxd_deletion*, const mxd_uia_operation*,
                 const mxd_uia_session*, const mxd_uia_session_key*, const mxd_uia_replacement*,
                 const mxd_uia_attempt*, const mxd_validation*, const mxd_limit_request*>;

struct Question {
  Callback callback;
  mxd_op op;
  Asked asked;
};

struct Response {
  uint32_t http_status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

class Exchange {
 public:
  // Of the module's callbacks.
  void ask(Question question) noexcept;
  void respond(const mxd_response& response) noexcept;

  // The question that was asked since the last call.
  std::optional<Question> take() noexcept;

  // The response, once it is there. Good as long as the exchange.
  const Response* response() const noexcept;

  // Whether there is something to take, or the response; waits for it at most `timeout`.
  bool wait(std::chrono::milliseconds timeout) noexcept;

  // Push `key` when there next is something; false if there is already.
  bool notify(std::shared_ptr<Wakeup> wakeup, uint64_t key) noexcept;

  mxd_request_token token = 0;
  std::shared_ptr<Exchange> self;  // of the module, until it has responded

 private:
  bool ready() const noexcept { return question_.has_value() || response_ != nullptr; }
  void became_ready() noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Question> question_;
  std::unique_ptr<Response> response_;
  std::shared_ptr<Wakeup> wakeup_;
  uint64_t key_ = 0;
};

}  // namespace mxd::python
