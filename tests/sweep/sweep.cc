// Every answer that a host can give wrongly, at every question of whole dialogues: the n-th call of
// one callback is answered with another status, late, twice, never until the request is cancelled,
// with rubbish, with the ends of every number. After each the client's answer must be what its row
// of docs/behaviour.md says, nothing may be half done, and the same instance must go on.
//
//   mxd_sweep MODULE             all cases, each dialogue on an instance of its own
//   mxd_sweep MODULE --thin N    of the cases of late and doubled answers every N-th
//   mxd_sweep MODULE --case N    only that one
//   mxd_sweep MODULE --list      what they are
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sweep/trial.h"

namespace mxd::sweep {
namespace {

struct Options {
  const char* module = nullptr;
  long only = -1;
  long thin = 1;
  bool list = false;
};

class Sweep {
 public:
  Sweep(const mxd_module& module, const Options& options) : module_(module), options_(options) {}

  bool run() {
    for (const auto& dialogue : dialogues())
      sweep(dialogue);
    std::printf("%ld of %ld cases, %zu requests, %ld failed\n", run_, number_, requests_, failed_);
    return failed_ == 0 && (run_ > 0 || options_.list);
  }

 private:
  // Prints one line of a case that failed.
  void judge(const std::string& name, const std::vector<std::string>& problems) {
    if (problems.empty()) return;
    ++failed_;
    std::printf("FAILED %s", name.c_str());
    for (std::string problem : problems) {
      std::replace_if(
          problem.begin(), problem.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; },
          '?');
      std::printf("; %s", problem.c_str());
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  bool is_chosen(const Fault& fault) const {
    if (options_.only >= 0) return number_ == options_.only;
    const bool plain =
        fault.how == How::kCompleted || fault.how == How::kReturned || fault.what == What::kRight;
    return plain || number_ % options_.thin == 0;
  }

  template <class Run>
  void try_case(const Fault& fault, const std::string& what, Run run) {
    ++number_;
    if (!is_chosen(fault)) return;
    const std::string name = "--case " + std::to_string(number_) + ": " + what;
    if (options_.list) {
      std::printf("%s\n", name.c_str());
      return;
    }
    ++run_;
    judge(name, run(name));
  }

  void sweep(const Dialogue& dialogue) {
    const auto started = std::chrono::steady_clock::now();
    const long before = run_;
    Trial trial(module_, dialogue);
    const auto wrong = trial.run_right();
    judge("'" + dialogue.name + "' without a fault", wrong);
    if (!wrong.empty()) return;
    for (const auto& fault : deliveries()) {
      try_case(fault, "'" + dialogue.name + "', " + fault.describe(),
               [&](const std::string& name) { return trial.run_delivered(fault, name); });
    }
    for (const auto& asked : trial.asked()) {
      for (const auto& fault : faults_of(asked)) {
        try_case(
            fault,
            "'" + dialogue.name + "', step " + std::to_string(asked.step) + ", " + fault.describe(),
            [&](const std::string& name) { return trial.run(fault, name); });
      }
    }
    judge("'" + dialogue.name + "' at shutdown", trial.shut_down());
    requests_ += trial.requests();
    if (options_.list || options_.only >= 0) return;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    std::printf("%6ld cases, %4.1f s: %s\n", run_ - before, took.count(), dialogue.name.c_str());
  }

  const mxd_module& module_;
  const Options& options_;
  long number_ = 0;  // of the last case, from 1
  long run_ = 0;
  long failed_ = 0;
  size_t requests_ = 0;
};

bool read(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (std::strcmp(argv[i], "--list") == 0) {
      options.list = true;
    } else if (std::strcmp(argv[i], "--case") == 0 && more) {
      options.only = std::strtol(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--thin") == 0 && more) {
      options.thin = std::strtol(argv[++i], nullptr, 10);
    } else if (argv[i][0] != '-' && options.module == nullptr) {
      options.module = argv[i];
    } else {
      return false;
    }
  }
  return options.module != nullptr && options.thin >= 1;
}

}  // namespace
}  // namespace mxd::sweep

int main(int argc, char** argv) {
  mxd::sweep::Options options;
  if (!mxd::sweep::read(argc, argv, options)) {
    std::fprintf(stderr, "usage: %s MODULE [--thin N] [--case N] [--list]\n", argv[0]);
    return 2;
  }
  const mxd::Module module = mxd::Module::load(options.module);
  return mxd::sweep::Sweep(module.table(), options).run() ? 0 : 1;
}
