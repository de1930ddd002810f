#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mxd::fuzz {

/// What the contract promises, whatever comes in. Ends the process where it does not hold, so that
/// the fuzzer keeps the input.
inline void require(bool holds, std::string_view promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

}  // namespace mxd::fuzz
