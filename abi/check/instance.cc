#include "abi/check/instance.h"

#include <sodium/randombytes.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "abi/check/dialogue.h"
#include "abi/check/text.h"

namespace mxd::check {
namespace {

thread_local const char* running_quiet = nullptr;

struct Quiet {
  explicit Quiet(const char* name) { running_quiet = name; }
  ~Quiet() { running_quiet = nullptr; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};

constexpr int64_t kMaxTime = int64_t{1} << 53;
constexpr size_t kIdBytes = 32;

}  // namespace

const char* quiet_callback() noexcept {
  return running_quiet;
}

Instance::Instance(const mxd_host& host, ReadConfiguration configuration)
    : host_(host), configuration_(std::move(configuration)), gatherings_(parallel()) {}

const boost::json::value* Instance::find_setting(std::string_view pointer) const {
  boost::json::error_code error;
  return configuration_.check.find_pointer({pointer.data(), pointer.size()}, error);
}

std::string Instance::setting(std::string_view pointer) const {
  const boost::json::value* const value = find_setting(pointer);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

size_t Instance::parallel() const {
  constexpr size_t kUsual = 32;
  const boost::json::value* const value = find_setting("/parallel");
  return value == nullptr ? kUsual : value->to_number<size_t>();
}

int64_t Instance::now_ms() {
  if (host_.now_ms == nullptr) {
    using std::chrono::system_clock;
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               system_clock::now().time_since_epoch())
        .count();
  }
  int64_t now = 0;
  {
    const Quiet quiet("now_ms");
    now = host_.now_ms(host_.cookie);
  }
  if (now < 0 || now > kMaxTime) {
    report_->broken("now_ms.range", "now_ms gave " + std::to_string(now));
    now = std::clamp<int64_t>(now, 0, kMaxTime);
  }
  return now;
}

std::string Instance::random_id() {
  std::string bytes(kIdBytes, '\0');
  int32_t status = MXD_OK;
  if (host_.random_bytes == nullptr) {
    randombytes_buf(bytes.data(), bytes.size());
  } else {
    const Quiet quiet("random_bytes");
    status = host_.random_bytes(host_.cookie, bytes.data(), bytes.size());
  }
  if (status != MXD_OK) {
    report_->broken("random_bytes.random", "random_bytes gave " + name_of(status));
    randombytes_buf(bytes.data(), bytes.size());
  }
  return base64url(bytes);
}

void Instance::log(mxd_cookie request, const std::vector<std::string>& lines) {
  if (host_.log == nullptr || abandoned_) return;
  const auto write = [&](int32_t level, std::string line) {
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
    const Quiet quiet("log");
    host_.log(host_.cookie, request, level, view(line));
  };
  for (const std::string& line : lines)
    write(MXD_LOG_INFO, "check: " + line);
  // Last, since writing may break a promise too.
  for (const std::string& line : report_->unlogged()) {
    write(MXD_LOG_HOST_MISBEHAVING, "check: " + line);
  }
}

void Instance::release_principal(mxd_cookie principal) {
  if (principal == 0 || host_.release_principal == nullptr || abandoned_) return;
  const Quiet quiet("release_principal");
  host_.release_principal(host_.cookie, principal);
}

bool Instance::enter(const std::shared_ptr<Dialogue>& dialogue) {
  const std::lock_guard lock(mutex_);
  if (shutting_down_ || abandoned_) return false;
  dialogues_.push_back(dialogue);
  ++in_flight_;
  return true;
}

void Instance::forget(const Dialogue* dialogue) {
  const std::lock_guard lock(mutex_);
  std::erase_if(dialogues_, [&](const auto& each) { return each.get() == dialogue; });
}

void Instance::answered() {
  void (*done)(mxd_cookie) noexcept = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (--in_flight_ == 0 && shutting_down_) done = std::exchange(done_, nullptr);
  }
  if (done != nullptr && !abandoned_) done(done_cookie_);
}

void Instance::note_unanswered(const Dialogue& present) {
  std::vector<std::shared_ptr<Dialogue>> others;
  {
    const std::lock_guard lock(mutex_);
    others = dialogues_;
  }
  const Request& request = present.request();
  for (const auto& other : others) {
    const bool belongs_here = other->request().resume == request.resume && !request.skip;
    if (other.get() == &present || belongs_here) continue;
    other->note_unanswered();
  }
  gatherings_.give_up_all_but(request.skip ? std::nullopt : request.resume);
}

int32_t Instance::shut_down(void (*done)(mxd_cookie) noexcept, mxd_cookie cookie) {
  bool idle = false;
  {
    const std::lock_guard lock(mutex_);
    if (shutting_down_) return MXD_BUSY;
    shutting_down_ = true;
    done_cookie_ = cookie;
    idle = in_flight_ == 0;
    if (!idle) done_ = done;
  }
  gatherings_.give_up_all_but(std::nullopt);
  if (idle && done != nullptr) done(cookie);
  return MXD_OK;
}

void Instance::abandon() {
  abandoned_ = true;
  const std::lock_guard lock(mutex_);
  for (const auto& dialogue : dialogues_)
    dialogue->abandon();
}

bool Instance::is_busy() const {
  const std::lock_guard lock(mutex_);
  return in_flight_ != 0 && !abandoned_;
}

}  // namespace mxd::check
