// Sends requests of one kind to the module, for whoever counts instructions and allocations:
//
//   mxd_request_cost [--planted] MODULE EXCHANGE DEVICES REQUESTS [STORE URL]
//
// On a store, with a new database, or on the host in memory. With --planted each request takes a
// little from the heap when its token is looked at, for whoever wants to see that this is found.
//
// Passwords are not checked: what Argon2id costs is set, and would hide the rest.
//
// Prints how often a request took memory from the heap, as a mean with two digits. Before the
// requests that count come some to warm up, more or fewer with time; callgrind finds those that
// count as the function mxd_counted_requests.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

extern "C" [[gnu::noinline]] void mxd_counted_requests(Instance& instance, Exchange& exchange,
                                                       Answers& answers, uint64_t requests) {
  send(instance, exchange, answers, requests);
}

// Lists until the store has written when the device was last seen: from then on, for a minute, each
// request takes the same way.
void list_until_seen(Instance& instance, std::string_view token) {
  Exchange list("list", token);
  Answers answers;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (answers.body().find("last_seen_ts") == std::string_view::npos) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(MXD_INTERNAL, "the store does not write when a device was last seen");
    }
    send(instance, list, answers, 1);
  }
}

const mxd_module* module_table = nullptr;

int32_t take_for_right(mxd_cookie, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_attempt* attempt) noexcept {
  module_table->emit_identity(op, attempt->user);
  return module_table->complete(op, MXD_OK);
}

// The host's own authenticate(), which the planted one goes on to.
decltype(mxd_host::authenticate) real_authenticate = nullptr;

int32_t copy_and_authenticate(mxd_cookie host, mxd_cookie request, mxd_op op, mxd_cookie principal,
                              const mxd_credentials* credentials) noexcept {
  // As a careless map of recent tokens would, a copy an entry.
  std::vector<std::string> copies(8, std::string(text(credentials->access_token)));
  auto copied = *credentials;
  copied.access_token = view(copies.back());
  return real_authenticate(host, request, op, principal, &copied);
}

int run(int argc, char** argv) {
  const bool planted = argc > 1 && std::string_view(argv[1]) == "--planted";
  if (planted) {
    --argc;
    ++argv;
  }
  if (argc != 5 && argc != 7) {
    std::fprintf(stderr, "usage: %s [--planted] MODULE EXCHANGE DEVICES REQUESTS [STORE URL]\n",
                 argv[0]);
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
  if (planted) real_authenticate = std::exchange(host.authenticate, copy_and_authenticate);
  // Limits that no run comes near: what they cost is counted, what they refuse is not wanted.
  Instance instance(module, host,
                    R"({"limits": {"uia_challenges": {"burst": 1000000, "interval_ms": 1},)"
                    R"( "uia_repeats": {"burst": 1000000, "interval_ms": 1}}})");
  Exchange exchange(argv[2], token);
  Answers answers;
  if (store != nullptr) list_until_seen(instance, token);
  send(instance, exchange, answers, kWarmUp);
  const size_t before = heap_allocations();
  mxd_counted_requests(instance, exchange, answers, requests);
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
