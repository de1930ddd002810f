// Deleting many devices of one user.
#ifndef MXD_TESTS_BENCH_POSTGRES_DELETION_H
#define MXD_TESTS_BENCH_POSTGRES_DELETION_H

#include <cstdint>
#include <string>
#include <vector>

namespace mxd::bench {

struct Deletions {
  std::vector<double> in_store_ms;
  std::vector<double> bare_ms;
};

// So often, in turn: through the store's callback, and by one DELETE on the table of devices with
// all that the schema has hanging off it. Each time as many devices with a token each have been
// made. The database may be new. Throws std::runtime_error.
Deletions delete_devices(const std::string& library, const std::string& connection_string,
                         int64_t devices, int64_t rounds);

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_POSTGRES_DELETION_H
