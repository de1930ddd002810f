#pragma once

#include <cstddef>

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::limits {

// The buckets that one act takes a unit from: section 7 of docs/behaviour.md.
struct Buckets {
  mxd_limit limits[2];
  size_t count;
  std::string_view too_many;  // what, for a person
};

// U25: challenges, per user and device. @throws std::bad_alloc
Buckets challenge_buckets(host::Exchange& exchange);

// U27: repeats of what was authenticated, per user and device. @throws std::bad_alloc
Buckets repeat_buckets(host::Exchange& exchange);

// P6: new devices, per application service.
Buckets creation_buckets(host::Exchange& exchange);

// Takes a unit from each bucket, or from none: null, or the 429 (L1). A principal that is exempt
// from limits takes none.
async::Task<const http::ApiError*> take(host::Exchange& exchange, const Buckets& buckets);

// Gives the units of a take() back. Always null: where the host fails at that, the unit comes back
// by itself after a while.
async::Task<const http::ApiError*> give_back(host::Exchange& exchange, const Buckets& buckets);

// An attempt at a stage, of which wrong ones are limited: per user and device, and four times that
// per user (U23). Its unit is taken before the stage is tried, so that guesses sent at once don't
// slip through. It is in flight until this object goes.
class Attempt {
 public:
  // @throws std::bad_alloc
  Attempt(host::Exchange& exchange, std::string_view stage);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt();

  memory::Arena& arena() noexcept { return exchange_.arena(); }

  // Null, or the 429. Where a unit is lacking only because other attempts are in flight, that
  // tells to wait for a second at most: most of them give theirs back by then.
  async::Task<const http::ApiError*> begin();

  // It was no failure.
  async::Task<const http::ApiError*> give_back();

 private:
  enum class State { kNone, kAsking, kInFlight };
  void end() noexcept;

  host::Exchange& exchange_;
  Buckets buckets_;
  State state_ = State::kNone;
};

}  // namespace mxd::limits
