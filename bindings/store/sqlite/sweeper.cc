#include "bindings/store/sqlite/sweeper.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/sessions.h"

namespace mxd::store::sqlite {
namespace {

std::chrono::milliseconds to_ms(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

}  // namespace

Sweeper::Sweeper(const WallClock& clock, ReadPool& readers, Writer& writer, const Log& log)
    : clock_(clock), readers_(readers), writer_(writer), log_(log) {
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
  is_woken_ = is_look_due_ = true;
  due_.notify_one();
  swept_.wait(lock, [&] { return answered_ >= mine; });
  if (!is_swept_) {
    return {MXD_UNAVAILABLE,
            "not all that is over could be removed now (the database is locked, or the disk is "
            "full): see the log, and try again"};
  }
  swept.access_tokens = access_tokens_;
  swept.refresh_tokens = refresh_tokens_;
  swept.sessions = sessions_;
  swept.guests = guests_;
  swept.devices = devices_;
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
    is_woken_ = is_look_due_ = true;
  }
  due_.notify_one();
}

void Sweeper::loop() {
  int sweeps = 0;
  while (!stopping_) {
    bool looks;
    uint64_t asked;
    {
      const std::lock_guard lock(mutex_);
      is_woken_ = false;
      looks = std::exchange(is_look_due_, false) || sweeps >= kSweepsToALook;
      asked = asked_;
    }
    sweeps = looks ? 0 : sweeps + 1;
    const bool is_swept = sweep_all(looks);
    std::unique_lock lock(mutex_);
    if (asked > answered_) {
      answered_ = asked;
      is_swept_ = is_swept;
      swept_.notify_all();
    }
    due_.wait_for(lock, kInterval, [this] { return stopping_ || is_woken_; });
  }
}

bool Sweeper::sweep_all(bool looks) {
  try {
    if (!sweep_indexed()) return false;
    // Again: of unused guests and devices something may be left.
    return !looks || (look() && sweep_indexed());
  } catch (const std::exception& error) {  // no memory, or no reading: the next sweep does it
    log_.failure("sweeping", error.what());
    return false;
  }
}

bool Sweeper::repeat(Step step, Count& count) {
  bool is_more = true;
  while (is_more && !stopping_) {
    Clock::time_point start;
    int64_t removed = 0;
    const Outcome outcome = writer_.run_in_background([&](Connection& connection) -> Outcome {
      start = Clock::now();
      do {
        const Swept swept = step(connection);
        removed += swept.count;
        is_more = swept.is_more;
      } while (is_more && Clock::now() - start < portion_);
      return {};
    });
    if (!succeeded(outcome.status)) return false;
    count += removed;
    // With the commit, which on a slow disk is most of it.
    const auto taken = std::max<Clock::duration>(Clock::now() - start, kLeastPortion);
    portion_ = std::clamp<Clock::duration>(
        portion_ * kTransaction.count() / std::max<int64_t>(1, to_ms(taken).count()), kLeastPortion,
        kMostPortion);
  }
  return !is_more;
}

bool Sweeper::sweep_indexed() {
  const int64_t now_ms = clock_.now_ms();
  const int64_t refresh_token_ms = refresh_token_ms_;
  const int64_t given_before_ms =
      refresh_token_ms == 0 ? std::numeric_limits<int64_t>::min() : now_ms - refresh_token_ms;
  if (!is_sweeping_due(*ReadPool::Lease(readers_), now_ms, given_before_ms)) return true;
  const auto gone = [this](Connection& writer) {
    return Swept{0, remove_gone(writer, to_ms(portion_))};
  };
  const auto access_tokens = [&](Connection& writer) {
    return sweep_access_tokens(writer, now_ms);
  };
  const auto sessions = [&](Connection& writer) { return sweep_sessions(writer, now_ms); };
  const auto refresh_tokens = [&](Connection& writer) {
    return sweep_refresh_tokens(writer, given_before_ms);
  };
  Count leftovers{0};  // they were counted when they went
  return repeat(gone, leftovers) && repeat(access_tokens, access_tokens_) &&
         repeat(sessions, sessions_) && repeat(refresh_tokens, refresh_tokens_);
}

bool Sweeper::look() {
  return look_for(find_unused_guests, remove_unused_guest, guest_ms_, guests_) &&
         look_for(find_unused_devices, remove_unused_device, device_ms_, devices_);
}

bool Sweeper::look_for(Find find, Remove remove, int64_t lifetime_ms, Count& count) {
  if (lifetime_ms == 0) return true;
  const int64_t unused_since_ms = clock_.now_ms() - lifetime_ms;
  Page page{{}, 0};
  while (page.last && !stopping_) {
    page = find(*ReadPool::Lease(readers_), *page.last, unused_since_ms);
    auto next = page.unused.begin();
    if (next == page.unused.end()) continue;
    const auto remove_next = [&](Connection& writer) {
      const bool is_removed = remove(writer, *next, unused_since_ms);
      return Swept{is_removed ? 1 : 0, ++next != page.unused.end()};
    };
    if (!repeat(remove_next, count)) return false;
  }
  return !stopping_;
}

}  // namespace mxd::store::sqlite
