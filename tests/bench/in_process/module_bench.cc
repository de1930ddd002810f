// The module's share of a request, in this process: through the C interface on a host that answers
// from memory, against a function that makes the same lookups and writes the same bytes.
//
//   mxd_module_bench [--benchmark_…]        MXD_MODULE names the module
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "tests/bench/in_process/bare.h"

namespace mxd::bench {
namespace {

const char* module_path() {
  const char* const path = std::getenv("MXD_MODULE");
  return path == nullptr ? "libmatrix_devices.so" : path;
}

void through_the_module(benchmark::State& state, const std::string& name) {
  const Module module = Module::load(module_path());
  MemoryHost host(module, static_cast<size_t>(state.range(0)));
  Instance instance(module, host.table(), "");
  Exchange exchange(name, kAccessToken);
  Answers answers;
  for (auto _ : state)
    instance.handle(exchange.next(answers.cookie()));
  if (answers.status() != right_status(name)) {
    state.SkipWithError(("the answer was " + std::string(answers.body())).c_str());
  }
  state.counters["bytes"] = static_cast<double>(answers.body().size());
}

void bare(benchmark::State& state, const std::string& name) {
  Bare bare(static_cast<size_t>(state.range(0)));
  const Bare::Function function = Bare::find(name);
  std::string body;
  for (auto _ : state) {
    function(bare, body);
    benchmark::DoNotOptimize(body.data());
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = static_cast<double>(body.size());
}

void add(const std::string& name, int64_t devices) {
  benchmark::RegisterBenchmark(("module/" + name).c_str(), through_the_module, name)->Arg(devices);
  benchmark::RegisterBenchmark(("bare/" + name).c_str(), bare, name)->Arg(devices);
}

}  // namespace
}  // namespace mxd::bench

int main(int argc, char** argv) {
  for (const std::string_view name : mxd::bench::exchange_names()) {
    mxd::bench::add(std::string(name), 5);
    if (name == "list") {
      mxd::bench::add(std::string(name), 100);
      mxd::bench::add(std::string(name), 10000);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
