// What a server does with the database, without the server: the store's statements through libpq's
// pipelines, on one thread.
#ifndef MXD_TESTS_BENCH_POSTGRES_LOAD_H
#define MXD_TESTS_BENCH_POSTGRES_LOAD_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/postgres/users.h"

namespace mxd::bench {

struct Load {
  std::string connection_string;
  std::vector<Sampled> sample;
  double seconds;
  size_t connections;
  size_t at_once;  // on each connection: in one batch, which of renames is one commit
};

// Looks at a token, then lists its user's devices; how often.
uint64_t list(const Load& load);

// Looks at a token, then gives its device a new name; how often. No device is another connection's
// too.
uint64_t rename(const Load& load);

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_POSTGRES_LOAD_H
