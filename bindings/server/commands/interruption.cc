#include "bindings/server/commands/interruption.h"

#include <csignal>
#include <initializer_list>

namespace mxd::server {
namespace {

volatile std::sig_atomic_t ending_signal = 0;

}  // namespace

void note_interruptions() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const auto before = std::signal(signal, [](int caught) { ending_signal = caught; });
    if (before == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

bool is_interrupted() {
  return ending_signal != 0;
}

void end_by_interruption() {
  std::signal(ending_signal, SIG_DFL);
  std::raise(ending_signal);
}

}  // namespace mxd::server
