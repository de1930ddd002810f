// The thread that removes in the background what nobody can use any more.
#ifndef MXD_BINDINGS_STORE_SQLITE_SWEEPER_H
#define MXD_BINDINGS_STORE_SQLITE_SWEEPER_H

#include <absl/functional/function_ref.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "bindings/store/common/clock.h"
#include "bindings/store/common/log.h"
#include "bindings/store/sqlite/read_pool.h"
#include "bindings/store/sqlite/sweeping.h"
#include "bindings/store/sqlite/writer.h"
#include "matrix_devices/store.h"

namespace mxd::store::sqlite {

// Sweeps at the start, then every minute what an index finds and every hour what has to be looked
// for. It writes in portions of kPortion, each a transaction of its own after all other writes,
// and what it does not get to it does the next time, in another process if need be.
class Sweeper {
 public:
  // What these refer to must outlive it. Throws std::system_error.
  Sweeper(const WallClock& clock, ReadPool& readers, Writer& writer, const Log& log);
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  // After the portion that is under way.
  ~Sweeper();

  // All functions are [any-thread].

  // What is over, and waits for it: a whole sweep that begins from here on. UNAVAILABLE where it
  // had to stop.
  Outcome sweep(mxd_store_swept& swept);

  // Devices are gone, and to be removed.
  void wake() noexcept;

  void set_lifetimes(const mxd_store_lifetimes& lifetimes) noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kTransaction{100};  // aimed at
  static constexpr std::chrono::milliseconds kLeastPortion{5};
  static constexpr std::chrono::milliseconds kMostPortion{50};
  static constexpr std::chrono::minutes kInterval{1};
  static constexpr int kSweepsToALook = 60;

  using Count = std::atomic<int64_t>;

  // Each is false where it had to stop: the store is closing, or it can't be written now.
  using Step = absl::FunctionRef<Swept(Connection&)>;  // in the writer's transaction
  bool repeat(Step step, Count& count);
  using Find = Page (*)(Connection&, int64_t after, int64_t unused_since_ms);
  using Remove = bool (*)(Connection&, int64_t row, int64_t unused_since_ms);
  bool look_for(Find find, Remove remove, int64_t lifetime_ms, Count& count);

  void loop();
  bool sweep_all(bool looks);
  bool sweep_indexed();
  bool look();

  const WallClock& clock_;
  ReadPool& readers_;
  Writer& writer_;
  const Log& log_;
  std::atomic<int64_t> refresh_token_ms_{0};
  std::atomic<int64_t> guest_ms_{0};
  std::atomic<int64_t> device_ms_{0};

  // Removed since the start.
  Count access_tokens_{0};
  Count refresh_tokens_{0};
  Count sessions_{0};
  Count guests_{0};
  Count devices_{0};

  std::mutex mutex_;
  std::condition_variable due_;
  std::condition_variable swept_;
  uint64_t asked_ = 0;     // calls of sweep()
  uint64_t answered_ = 0;  // those before the last whole sweep
  bool is_swept_ = false;  // it came to its end
  bool is_woken_ = false;
  bool is_look_due_ = true;
  std::atomic<bool> stopping_{false};

  Clock::duration portion_ =
      kMostPortion;  // the thread's own: of a transaction, without the commit

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_SWEEPER_H
