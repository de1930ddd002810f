#pragma once

#include <cstddef>

#include "module/async/task.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"

namespace mxd::auth {

/// The buckets that one act takes a unit from: section 7 of docs/behaviour.md.
struct Buckets {
  mxd_limit limits[2];
  std::size_t count;
};

/// U23: wrong credentials, per user and device, and four times that per user.
/// @throws std::bad_alloc
Buckets failure_buckets(host::Exchange& exchange);

/// U25: challenges, per user and device. @throws std::bad_alloc
Buckets challenge_buckets(host::Exchange& exchange);

/// P6: new devices, per application service.
Buckets creation_buckets(host::Exchange& exchange);

/// Takes a unit from each bucket, or from none: null, or the 429 (L1). A principal that is exempt
/// from limits takes none.
async::Task<const http::ApiError*> take(host::Exchange& exchange, const Buckets& buckets);

/// Gives the units of a take() back. Always null: where the host fails at that, the unit comes back
/// by itself after a while.
async::Task<const http::ApiError*> give_back(host::Exchange& exchange, const Buckets& buckets);

}  // namespace mxd::auth
