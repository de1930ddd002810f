// The main thread only waits for signals, so that nothing that stands still can hold it up. All
// else is on another thread, to which it gives its orders.
#include "bindings/server/serve.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "bindings/server/server.h"

namespace mxd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLastWords = std::chrono::milliseconds(500);
constexpr auto kStopWithin = std::chrono::seconds(10) - kLastWords;

// Throws std::system_error.
class Descriptor {
 public:
  Descriptor(int descriptor, const char* what) : descriptor_(descriptor) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  }
  ~Descriptor() { ::close(descriptor_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Blocked here and in all threads to come: they come through a descriptor.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is a full disk: a write fails, no more
  return signals;
}

// What the main thread has told the other to do.
class Orders {
 public:
  void reload() {
    const std::lock_guard lock(mutex_);
    is_reload_wanted_ = true;
    changed_.notify_one();
  }

  void stop(Clock::time_point deadline) {
    const std::lock_guard lock(mutex_);
    stop_by_ = deadline;
    changed_.notify_one();
  }

  // Waits for the next: nothing is a reload, a time is until when to stop.
  std::optional<Clock::time_point> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stop_by_ || is_reload_wanted_; });
    is_reload_wanted_ = false;
    return stop_by_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_reload_wanted_ = false;
  std::optional<Clock::time_point> stop_by_;
};

// What is large gets pages of its own, which go back to the system when it is freed. By itself
// malloc gives that up after the first large block: bodies and long lists then come out of the
// heap, where one small block above them keeps them all.
void give_memory_back() {
  constexpr int kLargeBytes = 128 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
}

LogOutput open_log(const ServeOptions& options) {
  return options.log_file.empty() ? LogOutput::standard_error() : LogOutput::file(options.log_file);
}

// Not through a buffer, which may get no memory and then loses it without a word.
void say(std::string_view line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) {
    log_message(MXD_LOG_WARNING, "standard output cannot be written to");
  }
}

// systemd takes the next READY=1 for the end of a reload that began after its signal only.
void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const long long us = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  ::sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", us);
}

// True: all was finished.
bool live(const ServeOptions& options, Orders& orders) {
  LogWriter log(open_log(options));
  bool is_finished = false;
  {
    Server server(options, log);
    const ListenAddress address = server.address();
    say("listening on " + std::string(address.path.empty() ? "http://" : "") + to_string(address) +
        "\n");
    if (const auto metrics = server.metrics_address()) {
      say("metrics on http://" + to_string(*metrics) + "/metrics\n");
    }
    ::sd_notify(0, "READY=1");
    std::optional<Clock::time_point> stop_by;
    while (!(stop_by = orders.next())) {
      notify_reloading();
      server.reload();
      ::sd_notify(0, "READY=1");
    }
    ::sd_notify(0, "STOPPING=1");
    is_finished = server.stop(*stop_by);
  }
  return log.finish() == 0 && is_finished;
}

// The next signal; 0: the other thread has ended; -1: it is `deadline`.
int wait_for_signal(const Descriptor& signals, const Descriptor& ended,
                    std::optional<Clock::time_point> deadline) {
  pollfd wanted[] = {{ended.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
  while (true) {
    std::chrono::milliseconds wait{-1};
    if (deadline) {
      wait = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
      wait = std::max(wait, std::chrono::milliseconds(0));
    }
    const int ready = ::poll(wanted, std::size(wanted), static_cast<int>(wait.count()));
    if (ready == 0) return -1;
    if (ready < 0) continue;  // interrupted, or out of memory
    if (wanted[0].revents != 0) return 0;
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) == sizeof signal) {
      return static_cast<int>(signal.ssi_signo);
    }
  }
}

[[noreturn]] void end_at_once(const char* why) {
  log_message(MXD_LOG_ERROR, why);
  wait_for_log(kLastWords);  // if it is not what stands still
  ::_exit(kUnfinished);
}

}  // namespace

int serve(const ServeOptions& options) {
  give_memory_back();
  const sigset_t mask = block_signals();
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  const Descriptor signals(::signalfd(-1, &mask, SFD_CLOEXEC), "signalfd");
  const Descriptor ended(::eventfd(0, EFD_CLOEXEC), "eventfd");
  Orders orders;
  bool is_finished = false;
  std::exception_ptr failure;
  std::thread thread([&] {
    try {
      is_finished = live(options, orders);
    } catch (...) {
      failure = std::current_exception();
    }
    ::eventfd_write(ended.get(), 1);
  });

  std::optional<Clock::time_point> deadline;
  while (const int signal = wait_for_signal(signals, ended, deadline)) {
    if (signal == -1) {
      end_at_once("not everything could be finished within 10 s: it is left as it is");
    }
    if (signal == SIGHUP) {
      orders.reload();
      continue;
    }
    if (deadline) end_at_once("told to stop again: what is not finished is left as it is");
    deadline = Clock::now() + kStopWithin;
    orders.stop(*deadline);
  }
  thread.join();
  if (failure) std::rethrow_exception(failure);
  return is_finished ? 0 : kUnfinished;
}

}  // namespace mxd::server
