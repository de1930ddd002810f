#include "tests/unit/fake_host.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>

#include "module/http/text.h"

namespace mxd::test {
namespace {

constexpr std::chrono::seconds kForever{60};  // after which a test that hangs fails

FakeHost& self(mxd_cookie cookie) {
  return *reinterpret_cast<FakeHost*>(cookie);
}

}  // namespace

// ---- Responses ----

std::optional<std::string> Response::header(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (found) ADD_FAILURE() << "two " << name << " headers in " << *this;
    found = value;
  }
  return found;
}

boost::json::object Response::json() const {
  boost::json::error_code error;
  const auto value = boost::json::parse(body, error);
  if (!error && value.is_object()) return value.get_object();
  ADD_FAILURE() << "expected a JSON object, got " << *this;
  return {};
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  return out << response.status << " " << response.body;
}

// ---- Life ----

FakeHost::FakeHost(Completion completion)
    : completion_(completion), module_(*matrix_devices_module_v1()) {
  table.size = sizeof table;
  table.abi_minor = MXD_ABI_MINOR;
  table.cookie = reinterpret_cast<mxd_cookie>(this);
  fill_table();
  if (completion_ == Completion::kDeferred) worker_ = std::thread([this] { work(); });
}

FakeHost::~FakeHost() {
  restart();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();

  EXPECT_TRUE(principals_.empty()) << principals_.size() << " principals were not released";
  EXPECT_TRUE(responses_.empty()) << responses_.size() << " responses that nobody asked for";
  for (const auto& line : log_) {
    EXPECT_EQ(line.find("secret-"), line.npos) << "a secret in the log: " << line;
    EXPECT_NE(line.substr(0, 2), "4 ") << "the host was told off: " << line;
    for (const auto& [id, session] : sessions)
      EXPECT_EQ(line.find(id), line.npos) << "a session ID in the log: " << line;
  }
}

void FakeHost::restart() {
  if (instance_ == nullptr) return;
  const auto done = [](mxd_cookie cookie) noexcept {
    FakeHost& host = self(cookie);
    const std::lock_guard lock(host.mutex_);
    host.done_ = true;
    host.changed_.notify_all();
  };
  done_ = false;
  EXPECT_EQ(module_.shutdown(instance_, done, table.cookie), MXD_OK);
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kForever, [&] { return done_; }))
      << "expected shutdown() to be done, but requests are in flight";
  lock.unlock();
  EXPECT_EQ(module_.destroy(instance_), MXD_OK);
  instance_ = nullptr;
}

mxd_instance* FakeHost::instance() {
  if (instance_ == nullptr) {
    char error[256];
    EXPECT_EQ(module_.create(&table, view(config), &instance_, error, sizeof error), MXD_OK)
        << error;
  }
  return instance_;
}

// ---- Asking ----

int32_t FakeHost::start(const Request& request, mxd_cookie cookie, mxd_request_token* token) {
  // A copy that is gone when handle() returns, so that the sanitizers see who keeps it.
  auto lent = std::make_unique<Request>(request);
  if (!lent->token.empty()) lent->headers.emplace_back("Authorization", "Bearer " + lent->token);
  auto headers = std::make_unique<std::vector<mxd_header>>();
  for (const auto& [name, value] : lent->headers)
    headers->push_back({view(name), view(value)});
  mxd_request record{};
  record.size = sizeof record;
  record.flags = lent->flags;
  record.cookie = cookie;
  record.headers = headers->data();
  record.header_count = headers->size();
  record.method = view(lent->method);
  record.target = view(lent->target);
  record.body = view(lent->body);
  record.remote_addr = view(lent->remote_addr);
  return module_.handle(instance(), &record, token);
}

Response FakeHost::wait_for(mxd_cookie cookie) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kForever, [&] { return responses_.count(cookie) != 0; })) {
    ADD_FAILURE() << "expected a response, got none";
    return {};
  }
  return responses_.extract(cookie).mapped();
}

Response FakeHost::send(const Request& request) {
  const mxd_cookie cookie = next_cookie_++;
  const int32_t status = start(request, cookie);
  EXPECT_EQ(status, MXD_OK) << "handle() of " << request.method << " " << request.target;
  return status == MXD_OK ? wait_for(cookie) : Response{};
}

// ---- What has happened ----

std::vector<std::string> FakeHost::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

void FakeHost::forget_calls() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
}

std::vector<std::string> FakeHost::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::vector<std::string> FakeHost::take_misbehaviour() {
  const std::lock_guard lock(mutex_);
  const auto told_off = [](const std::string& line) { return line.starts_with("4 "); };
  std::vector<std::string> taken;
  std::copy_if(log_.begin(), log_.end(), std::back_inserter(taken), told_off);
  std::erase_if(log_, told_off);
  return taken;
}

// ---- Operations ----

int32_t FakeHost::ask(const char* name, mxd_cookie request, mxd_op op, Work work) {
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(name);
  }
  const auto refusal = refusals.find(name);
  if (refusal != refusals.end()) return refusal->second;
  const auto script = scripts.find(name);
  if (script != scripts.end()) work = [op, answer = script->second] { return answer(op); };
  const auto job = [this, name, op, work] {
    const auto hook = before.extract(name);
    if (!hook.empty()) hook.mapped()();
    const int32_t status = work();
    const auto denial = denials.find(name);
    const bool denied = status == MXD_OK && denial != denials.end();
    EXPECT_EQ(module_.complete(op, denied ? denial->second : status), MXD_OK) << name;
  };
  if (held.count(name) != 0) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({request, name, job});
    changed_.notify_all();
  } else {
    enqueue(job);
  }
  return MXD_OK;
}

int32_t FakeHost::ask_for(mxd_cookie principal, const char* name, mxd_cookie request, mxd_op op,
                          Work work) {
  {
    const std::lock_guard lock(mutex_);
    // A fallback page is asked for by nobody in particular.
    EXPECT_TRUE(principal == 0 || principals_.count(principal) == 1)
        << name << " for a principal that is not live";
  }
  return ask(name, request, op, std::move(work));
}

void FakeHost::enqueue(std::function<void()> job) {
  if (completion_ == Completion::kInline) return job();
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  changed_.notify_all();
}

void FakeHost::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void FakeHost::await_held(size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kForever, [&] { return waiting_.size() >= count; }))
      << "expected " << count << " held operations, got " << waiting_.size();
}

void FakeHost::release() {
  held.clear();
  std::vector<HeldQuestion> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(waiting_);
  }
  for (auto& question : questions)
    enqueue(std::move(question.answer));
}

std::optional<std::string> FakeHost::held_of(mxd_cookie request) const {
  const std::lock_guard lock(mutex_);
  for (const auto& question : waiting_) {
    if (question.request == request) return question.callback;
  }
  return std::nullopt;
}

void FakeHost::answer_held_of(mxd_cookie request) {
  std::function<void()> answer;
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(waiting_.begin(), waiting_.end(),
                     [&](const HeldQuestion& question) { return question.request == request; });
    if (found == waiting_.end()) {
      ADD_FAILURE() << "nothing of request " << request << " is held";
      return;
    }
    answer = std::move(found->answer);
    waiting_.erase(found);
  }
  enqueue(std::move(answer));
}

void expect_text(mxd_view view, const char* what) {
  EXPECT_TRUE(view.data != nullptr || view.size == 0) << what << ": NULL, and of some size";
  EXPECT_TRUE(http::is_utf8(text(view)) && !http::has_nul(text(view)))
      << what << " is not UTF-8 without U+0000: " << testing::PrintToString(copied(view));
}

}  // namespace mxd::test
