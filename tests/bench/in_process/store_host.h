// A store as the host: a new database with alice, whose devices have names and have been seen.
#ifndef MXD_TESTS_BENCH_IN_PROCESS_STORE_HOST_H
#define MXD_TESTS_BENCH_IN_PROCESS_STORE_HOST_H

#include <cstdint>
#include <string>
#include <string_view>

#include "matrix_devices/store.h"
#include "tests/bench/in_process/exchange.h"

namespace mxd::bench {

// The store's clock, in milliseconds since the epoch, stands: when a device was last seen is
// written once a minute, which would come into what is measured now and then.
int64_t standing_now_ms();

class StoreHost {
 public:
  // Opens `url` with the library of this name; a new database is made. Throws std::runtime_error.
  StoreHost(const std::string& library, const std::string& url);
  ~StoreHost();
  StoreHost(const StoreHost&) = delete;
  StoreHost& operator=(const StoreHost&) = delete;

  // Makes the account, then so many devices: kOwnDevice first. Its access token.
  std::string add_alice(size_t devices);

  mxd_host table(const Module& module);

 private:
  const mxd_store_library* library_;
  mxd_store* store_ = nullptr;
};

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_IN_PROCESS_STORE_HOST_H
