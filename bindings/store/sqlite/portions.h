// How what is over is removed from the file, beside all that is written for somebody who waits.
#ifndef MXD_BINDINGS_STORE_SQLITE_PORTIONS_H
#define MXD_BINDINGS_STORE_SQLITE_PORTIONS_H

#include <absl/functional/function_ref.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "bindings/store/common/sweeper.h"
#include "bindings/store/sqlite/read_pool.h"
#include "bindings/store/sqlite/sweeping.h"
#include "bindings/store/sqlite/writer.h"

namespace mxd::store::sqlite {

// It writes in portions, each a transaction of its own after all other writes, as long as keeps to
// kTransaction on this disk.
class SweepingInPortions final : public Sweeping {
 public:
  // Both must outlive it.
  SweepingInPortions(ReadPool& readers, Writer& writer) : readers_(readers), writer_(writer) {}

  // Devices that are gone, too.
  bool sweep_indexed(const Over& over, bool is_asked, SweptCounts& counts,
                     const std::atomic<bool>& stopping) override;
  bool look(const Over& over, bool is_asked, SweptCounts& counts,
            const std::atomic<bool>& stopping) override;

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kTransaction{100};  // aimed at
  static constexpr std::chrono::milliseconds kLeastPortion{5};
  static constexpr std::chrono::milliseconds kMostPortion{50};

  using Count = std::atomic<int64_t>;

  using Step = absl::FunctionRef<Swept(Connection&)>;  // in the writer's transaction
  bool repeat(Step step, Count& count, const std::atomic<bool>& stopping);
  using Find = Page (*)(Connection&, int64_t after, int64_t unused_since_ms);
  using Remove = bool (*)(Connection&, int64_t row, int64_t unused_since_ms);
  bool look_for(Find find, Remove remove, std::optional<int64_t> unused_since_ms, Count& count,
                const std::atomic<bool>& stopping);

  ReadPool& readers_;
  Writer& writer_;
  Clock::duration portion_ = kMostPortion;  // of a transaction, without the commit
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_PORTIONS_H
