// A module that only counts what a store completes, so that what is measured is the store.
#ifndef MXD_TESTS_BENCH_STORES_COUNTING_MODULE_H
#define MXD_TESTS_BENCH_STORES_COUNTING_MODULE_H

#include <cstdint>

#include "matrix_devices/module.hpp"

namespace mxd::bench {

// The table to give to fill_host(). There is one count a process.
const mxd_module& counting_module();

// Operations completed with OK or CREATED. Any other status ends the process with a message: a
// bench of failures would be a fast one.
uint64_t completed();
void wait_for_completed(uint64_t count);

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_STORES_COUNTING_MODULE_H
