#include "bindings/store/common/sweeper.h"

#include <exception>
#include <utility>

namespace mxd::store {
namespace {

// An expired token is kept so long, for a client that only wants to log out.
constexpr int64_t kKeptExpiredMs = 3'600'000;

std::optional<int64_t> before(int64_t now_ms, int64_t lifetime_ms) {
  if (lifetime_ms == 0) return std::nullopt;
  return now_ms - lifetime_ms;
}

}  // namespace

Sweeper::Sweeper(Sweeping& sweeping, const WallClock& clock, const Log& log)
    : sweeping_(sweeping), clock_(clock), log_(log) {
  thread_ = std::thread([this] { loop(); });
}

Sweeper::~Sweeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  due_.notify_one();
  thread_.join();
}

Outcome Sweeper::sweep(mxd_store_swept& swept) {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++asked_;
  is_woken_ = is_asked_ = true;
  due_.notify_one();
  swept_.wait(lock, [&] { return answered_ >= mine; });
  if (!is_swept_) {
    return {MXD_UNAVAILABLE,
            "not all that is over could be removed now (the database is locked, full or away): see "
            "the log, and try again"};
  }
  swept.access_tokens = counts_.access_tokens;
  swept.refresh_tokens = counts_.refresh_tokens;
  swept.sessions = counts_.sessions;
  swept.guests = counts_.guests;
  swept.devices = counts_.devices;
  return {};
}

void Sweeper::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  due_.notify_one();
}

void Sweeper::set_lifetimes(const mxd_store_lifetimes& lifetimes) noexcept {
  refresh_token_ms_ = lifetimes.refresh_token_ms;
  guest_ms_ = lifetimes.guest_ms;
  device_ms_ = lifetimes.device_ms;
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = is_asked_ = true;
  }
  due_.notify_one();
}

void Sweeper::loop() {
  int sweeps = 0;
  while (!stopping_) {
    bool is_asked;
    uint64_t asked;
    {
      const std::lock_guard lock(mutex_);
      is_woken_ = false;
      is_asked = std::exchange(is_asked_, false);
      asked = asked_;
    }
    const bool looks = is_asked || sweeps >= kSweepsToALook;
    sweeps = looks ? 0 : sweeps + 1;
    const bool is_swept = sweep_all(looks, is_asked);
    std::unique_lock lock(mutex_);
    if (asked > answered_) {
      answered_ = asked;
      is_swept_ = is_swept;
      swept_.notify_all();
    }
    due_.wait_for(lock, kInterval, [this] { return stopping_ || is_woken_; });
  }
}

bool Sweeper::sweep_all(bool looks, bool is_asked) {
  try {
    if (!sweeping_.sweep_indexed(over(), is_asked, counts_, stopping_)) return false;
    if (!looks) return true;
    // Again: of unused guests and devices something may be left.
    return sweeping_.look(over(), is_asked, counts_, stopping_) &&
           sweeping_.sweep_indexed(over(), is_asked, counts_, stopping_);
  } catch (const std::exception& error) {  // no memory, or no reading: the next sweep does it
    log_.failure("sweeping", error.what());
    return false;
  }
}

Over Sweeper::over() const noexcept {
  const int64_t now_ms = clock_.now_ms();
  return {now_ms, now_ms - kKeptExpiredMs, before(now_ms, refresh_token_ms_),
          before(now_ms, guest_ms_), before(now_ms, device_ms_)};
}

}  // namespace mxd::store
