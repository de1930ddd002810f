#include "bindings/store/sqlite/portions.h"

#include <algorithm>
#include <limits>

#include "bindings/store/sqlite/deletion.h"
#include "bindings/store/sqlite/sessions.h"

namespace mxd::store::sqlite {
namespace {

std::chrono::milliseconds to_ms(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

}  // namespace

bool SweepingInPortions::repeat(Step step, Count& count, const std::atomic<bool>& stopping) {
  bool is_more = true;
  while (is_more && !stopping) {
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

bool SweepingInPortions::sweep_indexed(const Over& over, bool, SweptCounts& counts,
                                       const std::atomic<bool>& stopping) {
  const int64_t given_before_ms =
      over.refresh_tokens_ms.value_or(std::numeric_limits<int64_t>::min());
  if (!is_sweeping_due(*ReadPool::Lease(readers_), over.now_ms, over.expired_ms, given_before_ms)) {
    return true;
  }
  const auto gone = [this](Connection& writer) {
    return Swept{0, remove_gone(writer, to_ms(portion_))};
  };
  const auto access_tokens = [&](Connection& writer) {
    return sweep_access_tokens(writer, over.expired_ms);
  };
  const auto sessions = [&](Connection& writer) { return sweep_sessions(writer, over.now_ms); };
  const auto refresh_tokens = [&](Connection& writer) {
    return sweep_refresh_tokens(writer, given_before_ms);
  };
  Count leftovers{0};  // they were counted when they went
  return repeat(gone, leftovers, stopping) &&
         repeat(access_tokens, counts.access_tokens, stopping) &&
         repeat(sessions, counts.sessions, stopping) &&
         repeat(refresh_tokens, counts.refresh_tokens, stopping);
}

bool SweepingInPortions::look(const Over& over, bool, SweptCounts& counts,
                              const std::atomic<bool>& stopping) {
  return look_for(find_unused_guests, remove_unused_guest, over.guests_ms, counts.guests,
                  stopping) &&
         look_for(find_unused_devices, remove_unused_device, over.devices_ms, counts.devices,
                  stopping);
}

bool SweepingInPortions::look_for(Find find, Remove remove, std::optional<int64_t> unused_since_ms,
                                  Count& count, const std::atomic<bool>& stopping) {
  if (!unused_since_ms) return true;
  Page page{{}, 0};
  while (page.last && !stopping) {
    page = find(*ReadPool::Lease(readers_), *page.last, *unused_since_ms);
    auto next = page.unused.begin();
    if (next == page.unused.end()) continue;
    const auto remove_next = [&](Connection& writer) {
      const bool is_removed = remove(writer, *next, *unused_since_ms);
      return Swept{is_removed ? 1 : 0, ++next != page.unused.end()};
    };
    if (!repeat(remove_next, count, stopping)) return false;
  }
  return !stopping;
}

}  // namespace mxd::store::sqlite
