#include "abi/check/dialogue.h"

#include <array>
#include <deque>
#include <exception>
#include <unordered_map>
#include <utility>

#include "abi/check/check.h"
#include "abi/check/conversation.h"
#include "abi/check/instance.h"
#include "abi/check/operation.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

using Queue = std::deque<std::shared_ptr<Dialogue>>;

// What the outermost call into the module on this thread has still to do.
thread_local Queue* outermost = nullptr;

struct Tokens {
  std::mutex mutex;
  mxd_request_token last = 0;
  std::unordered_map<mxd_request_token, Dialogue*> dialogues;
};

Tokens& tokens() {
  static Tokens& instance = *new Tokens;  // never destroyed, as the table of operations
  return instance;
}

}  // namespace

Dialogue::Dialogue(std::shared_ptr<Instance> instance, Request request)
    : instance_(std::move(instance)), request_(std::move(request)) {
  const std::lock_guard lock(tokens().mutex);
  token_ = ++tokens().last;
  tokens().dialogues.emplace(token_, this);
}

Dialogue::~Dialogue() {
  const std::lock_guard lock(tokens().mutex);
  tokens().dialogues.erase(token_);
}

std::shared_ptr<Dialogue> Dialogue::find(mxd_request_token token) {
  const std::lock_guard lock(tokens().mutex);
  const auto found = tokens().dialogues.find(token);
  return found == tokens().dialogues.end() ? nullptr : found->second->weak_from_this().lock();
}

void Dialogue::schedule() {
  if (outermost != nullptr) {
    outermost->push_back(shared_from_this());
    return;
  }
  Queue queue{shared_from_this()};
  outermost = &queue;
  while (!queue.empty()) {
    const std::shared_ptr<Dialogue> dialogue = std::move(queue.front());
    queue.pop_front();
    dialogue->advance();
  }
  outermost = nullptr;
}

void Dialogue::advance() {
  if (!task_) {
    task_.emplace(converse(*this));
    task_->start(&next_);
  }
  for (;;) {
    if (then_) next_ = std::exchange(then_, {});
    while (next_)
      std::exchange(next_, {}).resume();
    if (suspension_ == nullptr) break;
    Suspension* const suspension = std::exchange(suspension_, nullptr);
    if (!suspension->begin(shared_from_this())) return;
  }
  finish();
}

void Dialogue::wait_for(Suspension& suspension, std::coroutine_handle<> then) {
  suspension_ = &suspension;
  then_ = then;
}

void Dialogue::ask(const std::shared_ptr<Operation>& operation) {
  const std::lock_guard lock(mutex_);
  operation_ = operation;
}

void Dialogue::set_response(uint32_t http_status, std::string body, bool is_json) {
  http_status_ = http_status;
  body_ = std::move(body);
  is_json_ = is_json;
}

void Dialogue::finish() {
  try {
    task_->result();
  } catch (const std::exception& error) {
    // A fault of this module's, or no memory.
    set_response(500, R"({"errcode":"M_UNKNOWN","error":"The checking module failed."})", true);
    instance_->log(request_.cookie, {std::string("the checking module failed: ") + error.what()});
  }
  {
    const std::lock_guard lock(tokens().mutex);
    tokens().dialogues.erase(token_);
  }
  instance_->forget(this);
  if (principal_) instance_->release_principal(principal_->cookie);
  respond();
  instance_->answered();
}

void Dialogue::respond() {
  if (instance_->is_abandoned()) return;
  const std::array<mxd_header, 5> headers{{
      {view("Content-Type"), view(is_json_ ? "application/json" : "text/plain; charset=utf-8")},
      {view("Access-Control-Allow-Origin"), view("*")},
      {view("Access-Control-Allow-Methods"), view("GET, HEAD, POST, PUT, DELETE, OPTIONS")},
      {view("Access-Control-Allow-Headers"), view("X-Requested-With, Content-Type, Authorization")},
      {view("Cache-Control"), view("no-store")},
  }};
  mxd_response response{};
  response.size = sizeof response;
  response.http_status = http_status_;
  response.headers = headers.data();
  response.header_count = headers.size();
  response.body = view(body_);
  instance_->host().respond(instance_->host().cookie, request_.cookie, &response);
}

void Dialogue::cancel() {
  std::shared_ptr<Operation> operation;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(cancelled_, true)) return;
    operation = operation_.lock();
  }
  const mxd_host& host = instance_->host();
  if (operation == nullptr || !operation->is_open() || instance_->is_abandoned()) return;
  if (host.cancel_operation != nullptr) host.cancel_operation(host.cookie, operation->number());
}

void Dialogue::abandon() {
  const std::lock_guard lock(mutex_);
  if (const auto operation = operation_.lock()) operation->abandon();
}

void Dialogue::note_unanswered() {
  std::shared_ptr<Operation> operation;
  {
    const std::lock_guard lock(mutex_);
    operation = operation_.lock();
  }
  if (operation == nullptr || !operation->is_open()) return;
  instance_->report().broken("operation.completes", std::string(row(operation->callback()).name) +
                                                        " returned MXD_OK and was not completed");
}

}  // namespace mxd::check
