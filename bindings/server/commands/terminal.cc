#include "bindings/server/commands/terminal.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <utility>

#include "bindings/server/commands/failure.h"
#include "bindings/server/commands/output.h"

namespace mxd::server {
namespace {

volatile std::sig_atomic_t caught = 0;

void catch_signal(int signal) {
  caught = signal;
}

// Byte by byte: what follows is left for whoever reads next. Ends where a signal is caught, of
// those that are let in only while this waits; NULL: as they are.
std::string read_line_with(const sigset_t* let_in) {
  std::string line;
  char c;
  while (true) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::ppoll(&input, 1, nullptr, let_in) < 0) {
      if (errno == EINTR && caught == 0) continue;
      break;
    }
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    line += c;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// As long as it lives nothing that is typed is shown. Signals wait for read_line().
class HiddenTyping {
 public:
  HiddenTyping() {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = catch_signal;
    sigemptyset(&action.sa_mask);
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kSignals)
      sigaddset(&held, signal);
    ::pthread_sigmask(SIG_BLOCK, &held, &let_in_);
    for (size_t at = 0; at < kSignals.size(); ++at) {
      ::sigaction(kSignals[at], nullptr, &before_[at]);
      if (before_[at].sa_handler != SIG_IGN) ::sigaction(kSignals[at], &action, nullptr);
    }
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
    ::pthread_sigmask(SIG_SETMASK, &let_in_, nullptr);
  }

  std::string read_line() const { return read_line_with(&let_in_); }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  sigset_t let_in_;
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

std::string read_line() {
  return read_line_with(nullptr);
}

std::string ask_hidden(const std::string& prompt) {
  while (true) {
    std::string line;
    {
      const HiddenTyping hidden;
      std::cerr << prompt << std::flush;
      line = hidden.read_line();
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
