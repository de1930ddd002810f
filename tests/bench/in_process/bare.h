// What the module is measured against: functions that make the same lookups in the same tables, and
// write the same bytes, and do nothing else: no routing, no parsing, no escaping, no rules.
#ifndef MXD_TESTS_BENCH_IN_PROCESS_BARE_H
#define MXD_TESTS_BENCH_IN_PROCESS_BARE_H

#include <string>
#include <string_view>

#include "tests/bench/in_process/memory_host.h"

namespace mxd::bench {

class Bare {
 public:
  explicit Bare(size_t devices) : tables_(devices) {}

  // Writes the body that the exchange of this name gets. The name of a rename is another each time.
  void list(std::string& body);
  void get(std::string& body);
  void rename(std::string& body);
  void challenge(std::string& body);
  void remove(std::string& body, size_t devices);

  using Function = void (*)(Bare& bare, std::string& body);

  // By the exchange's name.
  static Function find(std::string_view name);

 private:
  Tables tables_;
  uint64_t renamed_ = 0;
};

}  // namespace mxd::bench

#endif  // MXD_TESTS_BENCH_IN_PROCESS_BARE_H
