#include "bindings/store/common/last_seen.h"

#include <algorithm>
#include <utility>

namespace mxd::store {
namespace {

// A clock that was set back must not silence a device, hence both directions.
bool is_due(int64_t written_ms, int64_t now_ms) {
  return now_ms - written_ms >= LastSeen::kIntervalMs ||
         written_ms - now_ms >= LastSeen::kIntervalMs;
}

}  // namespace

bool LastSeen::note(int64_t device, std::optional<int64_t> written_ms, std::string_view address,
                    int64_t now_ms) {
  if (written_ms && !is_due(*written_ms, now_ms)) return false;
  const std::lock_guard lock(mutex_);
  if (pending_.size() < kMaxPending && !pending_.contains(device)) {
    pending_.emplace(device, Pending{std::string(address), now_ms});
  }
  return !pending_.empty() && !std::exchange(is_being_written_, true);
}

std::vector<LastSeen::Sighting> LastSeen::take() {
  const std::lock_guard lock(mutex_);
  std::vector<Sighting> taken;
  taken.reserve(std::min(pending_.size(), kPerTransaction));
  for (auto at = pending_.begin(); at != pending_.end() && taken.size() < kPerTransaction;) {
    taken.push_back({at->first, std::move(at->second.address), at->second.seen_ms});
    pending_.erase(at++);
  }
  return taken;
}

bool LastSeen::end_write(bool is_written) noexcept {
  const std::lock_guard lock(mutex_);
  is_being_written_ = is_written && !pending_.empty();
  return is_being_written_;
}

}  // namespace mxd::store
