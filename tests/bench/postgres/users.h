// The users of a large database, and the sample of them that is asked for.
#ifndef MXD_TESTS_BENCH_POSTGRES_USERS_H
#define MXD_TESTS_BENCH_POSTGRES_USERS_H

#include <cstdint>
#include <string>
#include <vector>

namespace mxd::bench {

// Fills a database that a store has made and that has no users, with so many who have so many
// devices each, with a token each. Writes some of them to `sample_file`. Takes a superuser, since
// references are not looked at while it fills. Throws std::runtime_error.
void fill(const std::string& connection_string, int64_t users, int64_t devices,
          const std::string& sample_file);

// One user of the sample; a line has these, with spaces between them.
struct Sampled {
  std::string token;  // of the first device
  std::string user_id;
  int64_t account;
};
std::vector<Sampled> read_sample(const std::string& sample_file);

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_POSTGRES_USERS_H
