// A large database in PostgreSQL, and what the store on it is measured against. For
// tests/bench/parts/postgres.py; URL is a connection string of libpq's.
//
//   mxd_postgres_bench fill URL USERS DEVICES SAMPLE                makes users, writes SAMPLE
//   mxd_postgres_bench list URL SAMPLE SECONDS CONNECTIONS AT_ONCE  the store's statements, bare
//   mxd_postgres_bench rename URL SAMPLE SECONDS CONNECTIONS AT_ONCE
//   mxd_postgres_bench delete URL STORE DEVICES ROUNDS              STORE: the library
//
// Prints one line of JSON.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/postgres/deletion.h"
#include "tests/bench/postgres/load.h"
#include "tests/bench/postgres/users.h"

namespace mxd::bench {
namespace {

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void run_load(uint64_t (*function)(const Load&), const std::vector<std::string>& arguments) {
  const Load load{arguments[0], read_sample(arguments[1]), std::stod(arguments[2]),
                  std::stoul(arguments[3]), std::stoul(arguments[4])};
  const double used = processor_seconds();
  const auto started = std::chrono::steady_clock::now();
  const uint64_t requests = function(load);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  std::printf("{\"requests\": %ju, \"seconds\": %.6f, \"processor_seconds\": %.6f}\n",
              static_cast<uintmax_t>(requests), took.count(), processor_seconds() - used);
}

std::string json_of(const std::vector<double>& numbers) {
  std::string text = "[";
  for (const double number : numbers)
    text += (text.size() == 1 ? "" : ", ") + std::to_string(number);
  return text + "]";
}

int run(const std::string& command, const std::vector<std::string>& arguments) {
  if (command == "fill" && arguments.size() == 4) {
    fill(arguments[0], std::stoll(arguments[1]), std::stoll(arguments[2]), arguments[3]);
    std::puts("{}");
  } else if (command == "list" && arguments.size() == 5) {
    run_load(list, arguments);
  } else if (command == "rename" && arguments.size() == 5) {
    run_load(rename, arguments);
  } else if (command == "delete" && arguments.size() == 4) {
    const Deletions took = delete_devices(arguments[1], arguments[0], std::stoll(arguments[2]),
                                          std::stoll(arguments[3]));
    std::printf("{\"in_store_ms\": %s, \"bare_ms\": %s}\n", json_of(took.in_store_ms).c_str(),
                json_of(took.bare_ms).c_str());
  } else {
    std::fputs("usage: mxd_postgres_bench fill|list|rename|delete URL … (see its source)\n",
               stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace mxd::bench

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + (argc > 2 ? 2 : argc), argv + argc);
  try {
    return mxd::bench::run(argc > 1 ? argv[1] : "", arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
