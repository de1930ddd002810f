// Sends requests of one kind to the module, for whoever counts instructions and allocations:
//
//   mxd_request_cost MODULE EXCHANGE DEVICES REQUESTS               on the host in memory
//   mxd_request_cost MODULE EXCHANGE DEVICES REQUESTS STORE URL     on a store, a new database
//
// Passwords are not checked: what Argon2id costs is set, and would hide the rest.
//
// Prints how often a request took memory from the heap, as a mean with two digits, after some
// requests to warm up.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>

#include "tests/bench/in_process/memory_host.h"
#include "tests/bench/in_process/store_host.h"

extern "C" {
#include "tests/hosts/host_heap.h"
}

namespace mxd::bench {
namespace {

constexpr uint64_t kWarmUp = 100;

void send(Instance& instance, Exchange& exchange, Answers& answers, uint64_t requests) {
  for (uint64_t i = 0; i < requests; ++i) {
    const uint64_t before = answers.count();
    const int32_t status = instance.handle(exchange.next(answers.cookie()));
    if (status != MXD_OK) throw Error(status, "handle() took no request");
    answers.wait_for(before + 1);
    if (answers.status() != right_status(exchange.name())) {
      throw Error(MXD_INTERNAL, exchange.name() + ": the answer was " +
                                    std::to_string(answers.status()) + " " +
                                    std::string(answers.body()));
    }
  }
}

const mxd_module* module_table = nullptr;

int32_t take_for_right(mxd_cookie, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_attempt* attempt) noexcept {
  module_table->emit_identity(op, attempt->user);
  return module_table->complete(op, MXD_OK);
}

int run(int argc, char** argv) {
  if (argc != 5 && argc != 7) {
    std::fprintf(stderr, "usage: %s MODULE EXCHANGE DEVICES REQUESTS [STORE URL]\n", argv[0]);
    return 2;
  }
  const Module module = Module::load(argv[1]);
  const size_t devices = std::strtoul(argv[3], nullptr, 10);
  const uint64_t requests = std::strtoull(argv[4], nullptr, 10);

  std::unique_ptr<MemoryHost> memory;
  std::unique_ptr<StoreHost> store;
  std::string token(kAccessToken);
  mxd_host host;
  if (argc == 7) {
    store = std::make_unique<StoreHost>(argv[5], argv[6]);
    token = store->add_alice(devices);
    host = store->table(module);
    module_table = &module.table();
    host.uia_check = take_for_right;
  } else {
    memory = std::make_unique<MemoryHost>(module, devices);
    host = memory->table();
  }
  // Limits that no run comes near: what they cost is counted, what they refuse is not wanted.
  Instance instance(module, host,
                    R"({"limits": {"uia_challenges": {"burst": 1000000, "interval_ms": 1},)"
                    R"( "uia_repeats": {"burst": 1000000, "interval_ms": 1}}})");
  Exchange exchange(argv[2], token);
  Answers answers;
  send(instance, exchange, answers, kWarmUp);
  const size_t before = heap_allocations();
  send(instance, exchange, answers, requests);
  const size_t allocations = heap_allocations() - before;
  std::printf("%.2f\n", static_cast<double>(allocations) / static_cast<double>(requests));
  return 0;
}

}  // namespace
}  // namespace mxd::bench

int main(int argc, char** argv) {
  try {
    return mxd::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
