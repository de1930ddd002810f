#include "bindings/server/operation/health.h"

#include <exception>
#include <utility>

#include "bindings/server/http/request_target.h"

namespace mxd::server {
namespace {

constexpr auto kFreshFor = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::seconds(2);

// By what the store has said, if it has.
Response said(bool is_known, const std::string& reason) {
  if (is_known && reason.empty()) return json_response(200, {{"status", "ok"}});
  const std::string why =
      is_known ? reason : std::string("the store has not answered within 2 seconds");
  return json_response(503, {{"status", "failing"}, {"reason", why}});
}

}  // namespace

Health::Health(const Store& store) : store_(store) {
  asking_ = std::thread(&Health::ask_until_ended, this);
  try {
    answering_ = std::thread(&Health::answer_until_ended, this);
  } catch (const std::exception&) {
    end();
    throw;
  }
}

Health::~Health() {
  end();
}

void Health::end() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (answering_.joinable()) answering_.join();
  asking_.join();
}

bool Health::serve(Exchange& exchange) {
  if (RequestTarget(exchange.request().target).path() != "/health") return false;
  const std::string_view method = exchange.request().method;
  if (method != "GET" && method != "HEAD") {
    Response refusal = error_response(405, "M_UNRECOGNIZED", "This endpoint knows GET, HEAD.");
    add_header(refusal.headers, "Allow", "GET, HEAD");
    exchange.respond(std::move(refusal));
    return true;
  }
  std::unique_lock lock(mutex_);
  if (const bool is_known = is_fresh(); is_known || is_ending_) {
    Response answer = said(is_known, reason_);
    lock.unlock();
    exchange.respond(std::move(answer));
    return true;
  }
  waiting_.push_back(&exchange);
  if (!is_wanted_) {
    is_wanted_ = true;
    asked_at_ = Clock::now();
  }
  changed_.notify_all();
  return true;
}

bool Health::is_fresh() const {
  return known_at_ != Clock::time_point::min() && Clock::now() - known_at_ < kFreshFor;
}

void Health::ask_until_ended() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_wanted_ || is_ending_; });
    if (is_ending_) return;
    lock.unlock();
    const Store::Said said = store_.call(&mxd_store_library::check);
    lock.lock();
    try {
      reason_ = said.status == MXD_OK ? "" : said.text.data();
    } catch (const std::exception&) {
      reason_ = "no memory";  // short enough to need none
    }
    known_at_ = Clock::now();
    is_wanted_ = false;
    changed_.notify_all();
  }
}

void Health::answer_until_ended() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !waiting_.empty() || is_ending_; });
    changed_.wait_until(lock, asked_at_ + kPatience, [this] { return !is_wanted_ || is_ending_; });
    const std::vector<Exchange*> waited = std::exchange(waiting_, {});
    const bool is_known = !is_wanted_;  // however long ago: this thread may be the one that is late
    for (Exchange* const exchange : waited) {
      Response answer = bare_failure();
      try {
        answer = said(is_known, reason_);
      } catch (const std::exception&) {  // no memory for more
      }
      lock.unlock();
      exchange->respond(std::move(answer));
      lock.lock();
    }
    if (is_ending_ && waiting_.empty()) return;
  }
}

}  // namespace mxd::server
