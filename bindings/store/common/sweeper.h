// The thread that removes in the background what nobody can use any more. accounts.md, T6, T11
#ifndef MXD_BINDINGS_STORE_COMMON_SWEEPER_H
#define MXD_BINDINGS_STORE_COMMON_SWEEPER_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "bindings/store/common/clock.h"
#include "bindings/store/common/log.h"
#include "bindings/store/common/outcome.h"
#include "matrix_devices/store.h"

namespace mxd::store {

// What is over in one sweep: what is not after these times, in ms since the epoch. Nothing of what
// has no such time.
struct Over {
  int64_t now_ms;                            // sessions, rate limits
  int64_t expired_ms;                        // access tokens
  std::optional<int64_t> refresh_tokens_ms;  // given out
  std::optional<int64_t> guests_ms;          // made or last seen
  std::optional<int64_t> devices_ms;         // made or last seen
};

// What has been removed since the store was opened.
struct SweptCounts {
  std::atomic<int64_t> access_tokens{0};
  std::atomic<int64_t> refresh_tokens{0};
  std::atomic<int64_t> sessions{0};
  std::atomic<int64_t> guests{0};
  std::atomic<int64_t> devices{0};
};

// How an engine removes it: in transactions of some 100 ms, after all other writes, and what it
// does not get to the next sweep does, in another process if need be. Each function is on the
// sweeper's thread, adds to the counts, looks at `stopping` between two transactions, and is false
// where it had to stop: the store is closing, or the database can't be written now. It may throw.
class Sweeping {
 public:
  virtual ~Sweeping() = default;

  // `is_asked`: somebody waits for it, or it is over by lifetimes that were just set; else it is
  // enough that another process does it in this minute, or has in this hour.

  // What an index finds.
  virtual bool sweep_indexed(const Over& over, bool is_asked, SweptCounts& counts,
                             const std::atomic<bool>& stopping) = 0;

  // What has to be looked for: guests and devices.
  virtual bool look(const Over& over, bool is_asked, SweptCounts& counts,
                    const std::atomic<bool>& stopping) = 0;
};

// Sweeps at the start, then every minute what an index finds and every hour what has to be looked
// for.
class Sweeper {
 public:
  // What these refer to must outlive it. Throws std::system_error.
  Sweeper(Sweeping& sweeping, const WallClock& clock, const Log& log);
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  // After the transaction that is under way.
  ~Sweeper();

  // All functions are [any-thread].

  // What is over, and waits for it: a whole sweep that begins from here on. UNAVAILABLE where it
  // had to stop.
  Outcome sweep(mxd_store_swept& swept);

  // There is something to remove.
  void wake() noexcept;

  void set_lifetimes(const mxd_store_lifetimes& lifetimes) noexcept;

 private:
  static constexpr std::chrono::minutes kInterval{1};
  static constexpr int kSweepsToALook = 60;

  void loop();
  bool sweep_all(bool looks, bool is_asked);
  Over over() const noexcept;

  Sweeping& sweeping_;
  const WallClock& clock_;
  const Log& log_;
  std::atomic<int64_t> refresh_token_ms_{0};
  std::atomic<int64_t> guest_ms_{0};
  std::atomic<int64_t> device_ms_{0};
  SweptCounts counts_;

  std::mutex mutex_;
  std::condition_variable due_;
  std::condition_variable swept_;
  uint64_t asked_ = 0;     // calls of sweep()
  uint64_t answered_ = 0;  // those before the last whole sweep
  bool is_swept_ = false;  // it came to its end
  bool is_woken_ = false;
  bool is_asked_ = false;
  std::atomic<bool> stopping_{false};

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_SWEEPER_H
