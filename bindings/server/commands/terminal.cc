#include "bindings/server/commands/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>

#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"

namespace mxd::server {
namespace {

volatile std::sig_atomic_t caught = 0;

void catch_signal(int signal) {
  caught = signal;
}

// As long as it lives nothing that is typed is shown, and a signal ends read_line().
class HiddenTyping {
 public:
  HiddenTyping() {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = catch_signal;
    sigemptyset(&action.sa_mask);
    for (size_t at = 0; at < kSignals.size(); ++at)
      ::sigaction(kSignals[at], &action, &before_[at]);
    ::tcgetattr(STDIN_FILENO, &shown_);
    termios hidden = shown_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
  ~HiddenTyping() {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &shown_);
    for (size_t at = 0; at < kSignals.size(); ++at)
      ::sigaction(kSignals[at], &before_[at], nullptr);
  }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  termios shown_{};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace

SignalsAreMine::SignalsAreMine() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsAreMine::~SignalsAreMine() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

// Byte by byte: what follows is left for whoever reads next.
std::string read_line() {
  std::string line;
  char c;
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR && caught == 0) continue;
    if (got <= 0 || c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::string ask_hidden(const std::string& prompt) {
  while (true) {
    std::string line;
    {
      const HiddenTyping hidden;
      std::cerr << prompt << std::flush;
      line = read_line();
    }
    std::cerr << "\n";
    const int signal = std::exchange(caught, 0);
    if (signal == 0) return line;
    std::raise(signal);  // it ends the process, or stops it; when that goes on, so does this
  }
}

void confirm(bool is_confirmed, const std::string& question) {
  if (is_confirmed) return;
  if (!is_terminal(STDIN_FILENO)) {
    throw Failure(kRefused,
                  "this can't be undone and nobody is at a terminal to confirm it: add --yes");
  }
  std::cerr << printable(question) << " [y/N] " << std::flush;
  const std::string answer = read_line();
  if (answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes") return;
  throw Failure(kRefused, "not confirmed: nothing was changed");
}

}  // namespace mxd::server
