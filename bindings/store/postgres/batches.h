// How what is over is removed from the database, beside all servers that use it.
#ifndef MXD_BINDINGS_STORE_POSTGRES_BATCHES_H
#define MXD_BINDINGS_STORE_POSTGRES_BATCHES_H

#include <atomic>
#include <cstdint>

#include "bindings/store/common/sweeper.h"
#include "bindings/store/postgres/database.h"

namespace mxd::store::postgres {

// In batches of some hundred rows, each a statement and a transaction of its own; one server at a
// time. What another transaction holds is passed over, and goes with a later sweep: nobody waits
// for a batch for longer than it takes, and it waits for nobody.
class SweepingInBatches final : public Sweeping {
 public:
  explicit SweepingInBatches(Database& database) : database_(database) {}

  bool sweep_indexed(const Over& over, bool is_asked, SweptCounts& counts,
                     const std::atomic<bool>& stopping) override;
  bool look(const Over& over, bool is_asked, SweptCounts& counts,
            const std::atomic<bool>& stopping) override;

 private:
  using Count = std::atomic<int64_t>;

  // By a time, until a batch is not full, or is another server's.
  bool repeat(const Statement& statement, int64_t until_ms, bool is_asked, Count& count,
              const std::atomic<bool>& stopping);
  // Page by page: each answers where it has come to, and how many it has removed.
  bool look_for(const Statement& statement, int64_t unused_since_ms, Count& count,
                const std::atomic<bool>& stopping);
  bool claim_look(int64_t now_ms, bool is_asked, bool& is_claimed);

  Database& database_;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_BATCHES_H
