#include "bindings/python/core/exchange.h"

namespace mxd::python {

void Exchange::became_ready() noexcept {
  changed_.notify_all();
  if (wakeup_) std::exchange(wakeup_, nullptr)->push(key_);
}

void Exchange::ask(Question question) noexcept {
  const std::lock_guard lock(mutex_);
  question_ = question;
  became_ready();
}

void Exchange::respond(const mxd_response& response) noexcept {
  auto copy = std::make_unique<Response>();
  copy->http_status = response.http_status;
  copy->headers.reserve(response.header_count);
  for (size_t i = 0; i < response.header_count; ++i) {
    copy->headers.emplace_back(text(response.headers[i].name), text(response.headers[i].value));
  }
  copy->body = text(response.body);
  const std::lock_guard lock(mutex_);
  response_ = std::move(copy);
  became_ready();
}

std::optional<Question> Exchange::take() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(question_, std::nullopt);
}

const Response* Exchange::response() const noexcept {
  const std::lock_guard lock(mutex_);
  return response_.get();
}

bool Exchange::wait(std::chrono::milliseconds timeout) noexcept {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ready(); });
}

bool Exchange::notify(std::shared_ptr<Wakeup> wakeup, uint64_t key) noexcept {
  const std::lock_guard lock(mutex_);
  if (ready()) return false;
  wakeup_ = std::move(wakeup);
  key_ = key;
  return true;
}

}  // namespace mxd::python
