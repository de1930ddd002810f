// When and from where a device was last seen.
#ifndef MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H
#define MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxd::store {

// At most once in so long a device's is written.
inline constexpr int64_t kLastSeenIntervalMs = 60'000;

// Collects what was seen, until the engine writes it: never in the way of the request. `Device` is
// what the engine finds a device by; it has a hash of Boost's. [any-thread]
template <class Device>
class LastSeen {
 public:
  struct Sighting {
    Device device;
    std::string address;  // empty: not known
    int64_t seen_ms;
  };

  LastSeen() = default;
  LastSeen(const LastSeen&) = delete;
  LastSeen& operator=(const LastSeen&) = delete;

  // `written_ms`: what was just read of the device. True: the engine is to begin a write, and then
  // to call take() and end_write().
  [[nodiscard]] bool note(const Device& device, std::optional<int64_t> written_ms,
                          std::string_view address, int64_t now_ms) {
    if (written_ms && !is_due(*written_ms, now_ms)) return false;
    const std::lock_guard lock(mutex_);
    if (pending_.size() < kMaxPending && !pending_.contains(device)) {
      pending_.emplace(device, Pending{std::string(address), now_ms});
    }
    return !pending_.empty() && !std::exchange(is_being_written_, true);
  }

  // What is to be written in one transaction, few enough that others are not kept waiting. Another
  // request, or another process, may have written some of it since it was read.
  std::vector<Sighting> take() {
    const std::lock_guard lock(mutex_);
    std::vector<Sighting> taken;
    taken.reserve(std::min(pending_.size(), kPerTransaction));
    for (auto at = pending_.begin(); at != pending_.end() && taken.size() < kPerTransaction;) {
      taken.push_back({at->first, std::move(at->second.address), at->second.seen_ms});
      pending_.erase(at++);
    }
    return taken;
  }

  // The write is over, or could not begin. True: there is more, and the engine is to begin another.
  // What could not be written is noted again at the device's next request, which tries again.
  [[nodiscard]] bool end_write(bool is_written) noexcept {
    const std::lock_guard lock(mutex_);
    is_being_written_ = is_written && !pending_.empty();
    return is_being_written_;
  }

 private:
  struct Pending {
    std::string address;
    int64_t seen_ms;
  };

  // Over this many devices that are not yet written, further ones wait for their next request.
  static constexpr size_t kMaxPending = 16384;
  static constexpr size_t kPerTransaction = 256;

  // A clock that was set back must not silence a device, hence both directions.
  static bool is_due(int64_t written_ms, int64_t now_ms) {
    return now_ms - written_ms >= kLastSeenIntervalMs || written_ms - now_ms >= kLastSeenIntervalMs;
  }

  std::mutex mutex_;
  boost::unordered_flat_map<Device, Pending> pending_;
  bool is_being_written_ = false;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_LAST_SEEN_H
