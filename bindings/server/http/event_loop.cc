#include "bindings/server/http/event_loop.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <system_error>
#include <utility>

#include "bindings/server/operation/json_log.h"

namespace mxd::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kStoppingTick = std::chrono::milliseconds(100);
// When stopping: how long a request that has begun may take to arrive.
constexpr auto kRequestGrace = std::chrono::seconds(2);
constexpr size_t kAcceptedInTurn = 64;
constexpr Clock::rep kNobodyWaits = std::numeric_limits<Clock::rep>::max();

thread_local const EventLoop* loop_of_this_thread = nullptr;

int make_eventfd() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  return fd;
}

// Closes `socket` where there is no memory to own it.
Socket own(asio::io_context& context, int socket, int family) {
  try {
    Socket owned(context.get_executor());
    owned.assign(asio::generic::stream_protocol(family, 0), socket);
    return owned;
  } catch (const std::exception&) {
    ::close(socket);
    throw;
  }
}

}  // namespace

EventLoop::EventLoop(SharedByLoops& shared)
    : shared_(shared),
      longest_waiting_(kNobodyWaits),
      context_(1),
      acceptor_(context_.get_executor()),
      wake_(context_.get_executor(), make_eventfd()),
      timer_(context_.get_executor()) {}

EventLoop::~EventLoop() {
  destroyed_ = true;
}

void EventLoop::listen_on(ListeningSocket socket) {
  const int family = socket.family();
  acceptor_.assign(asio::generic::stream_protocol(family, 0), socket.release());
}

void EventLoop::start(RequestHandler& router, const TrustedProxies& proxies) {
  router_ = &router;
  proxies_ = &proxies;
  thread_ = std::thread([this] {
    run();
    ended_.happen();
  });
}

void EventLoop::run() {
  loop_of_this_thread = this;
  while (true) {
    try {
      wait_for_everything();
      context_.run();
      return;
    } catch (const std::exception& error) {  // out of memory: that is lost, and nothing else
      log_message(MXD_LOG_ERROR, error.what());
    }
  }
}

void EventLoop::wait_for_everything() {
  wait_to_be_woken();
  wait_for_tick();
  wait_for_clients();
}

bool EventLoop::is_own_thread() const {
  return loop_of_this_thread == this;
}

std::string_view EventLoop::http_date() noexcept {
  const std::time_t now = std::time(nullptr);
  if (now != date_of_) {
    date_of_ = now;
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::strftime(date_.data(), date_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  }
  return date_.data();
}

// ---- Stopping ----

void EventLoop::begin_stop() {
  stop_wanted_ = true;
  wake();
}

void EventLoop::stop_now() {
  stopping_ = true;
  grace_ends_ = Clock::now() + kRequestGrace;
  try {
    accept_up_to(SIZE_MAX);  // who is in the queue may have sent a request already
  } catch (const std::exception& error) {
    log_message(MXD_LOG_ERROR, error.what());
  }
  error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();  // from now on it is shorter
  // Who goes on waiting comes in after those who wait now.
  if (!waiting_.empty()) {
    Connection* const last = &waiting_.back();
    Connection* connection = nullptr;
    do {
      connection = &waiting_.front();
      waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
      connection->begin_stop();
    } while (connection != last);
  }
  end_if_done();
}

bool EventLoop::end_stop(Clock::time_point deadline) {
  if (!thread_.joinable()) return true;
  const bool is_finished = ended_.wait_until(deadline);
  if (!is_finished) {
    log_message(MXD_LOG_WARNING, "connections did not finish in time; they are cut");
    context_.stop();
  }
  thread_.join();
  return is_finished;
}

std::shared_ptr<const Event> EventLoop::turn() {
  auto turned = std::make_shared<Event>();
  asio::post(context_, [turned] { turned->happen(); });
  return turned;
}

void EventLoop::end_if_done() {
  if (stopping_ && count_ == 0) context_.stop();
}

// ---- Accepting ----

void EventLoop::wait_for_clients() {
  if (accepting_ || paused_ || stopping_) return;
  acceptor_.async_wait(Acceptor::wait_read, [this](error_code error) {
    accepting_ = false;
    if (error) return;  // closed
    paused_ = !accept_up_to(kAcceptedInTurn);
    wait_for_clients();
  });
  accepting_ = true;
}

bool EventLoop::accept_up_to(size_t most) {
  for (size_t i = 0; i < most; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int socket = ::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&peer),
                                 &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      if (!open(socket, peer.ss_family)) return false;
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return true;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        make_room();
        return false;
      default:  // of that client, which has gone
        continue;
    }
  }
  return true;
}

bool EventLoop::open(int socket, int family) {
  const auto connection = make_connection(own(context_, socket, family), *this);
  busy_.push_back(*connection);
  ++count_;
  const bool has_room = shared_.limit.opened() || make_room();
  connection->start();
  return has_room;
}

void EventLoop::gone(Connection& connection) {
  if (destroyed_) return;  // and the context is destroying what waits in it
  if (!connection.is_linked()) return;
  connection.unlink();
  note_longest_waiting();
  --count_;
  shared_.limit.closed();
  end_if_done();
  paused_ = false;
  try {
    wait_for_clients();
  } catch (const std::exception& error) {  // the next tick asks again
    log_message(MXD_LOG_ERROR, error.what());
  }
}

bool EventLoop::make_room() {
  tell_of_limit();
  if (!close_longest_waiting()) return false;
  shared_.limit.made_room();
  return true;
}

bool EventLoop::close_longest_waiting() {
  EventLoop* longest = nullptr;
  Clock::rep since = kNobodyWaits;
  for (const auto& loop : shared_.loops) {
    const Clock::rep there = loop->longest_waiting_.load(std::memory_order_relaxed);
    if (there < since) {
      since = there;
      longest = loop.get();
    }
  }
  if (longest == nullptr) return false;
  if (longest == this) {
    waiting_.front().close();
  } else {
    longest->room_wanted_.fetch_add(1, std::memory_order_relaxed);
    longest->wake();
  }
  return true;
}

void EventLoop::tell_of_limit() noexcept try {
  if (!shared_.limit.to_be_told()) return;
  log_message(MXD_LOG_WARNING, "connections are at their limit, " +
                                   std::to_string(shared_.limit.most()) +
                                   ": the longest idle one makes room for each new one");
} catch (const std::exception&) {  // no memory for the line
}

void EventLoop::note_longest_waiting() {
  const Clock::rep since =
      waiting_.empty() ? kNobodyWaits : waiting_.front().waiting_since.time_since_epoch().count();
  longest_waiting_.store(since, std::memory_order_relaxed);
}

void EventLoop::waits_for_client(Connection& connection) {
  if (!connection.is_linked()) return;
  connection.unlink();
  waiting_.push_back(connection);
  connection.waiting_since = Clock::now();
  note_longest_waiting();
}

void EventLoop::is_busy(Connection& connection) {
  if (!connection.is_linked()) return;
  connection.unlink();
  busy_.push_back(connection);
  note_longest_waiting();
}

// ---- What other threads want ----

void EventLoop::answered(Connection& connection) noexcept {
  Connection* first = answers_.load(std::memory_order_relaxed);
  do {
    connection.next_answered = first;
  } while (!answers_.compare_exchange_weak(first, &connection, std::memory_order_release,
                                           std::memory_order_relaxed));
  if (first == nullptr) wake();  // else who put that there does
}

void EventLoop::wake() noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t woken = ::write(wake_.native_handle(), &one, sizeof one);
}

void EventLoop::wait_to_be_woken() {
  if (waiting_to_be_woken_) return;
  wake_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code error) {
    waiting_to_be_woken_ = false;
    if (error) return;
    woken();
    wait_to_be_woken();
  });
  waiting_to_be_woken_ = true;
}

void EventLoop::woken() {
  uint64_t times = 0;
  [[maybe_unused]] const ssize_t size = ::read(wake_.native_handle(), &times, sizeof times);
  take_answers();
  for (size_t i = room_wanted_.exchange(0, std::memory_order_relaxed); i > 0; --i)
    close_longest_waiting();  // by now it may be another loop's
  if (stop_wanted_ && !stopping_) stop_now();
}

void EventLoop::take_answers() {
  // The other way round: who was answered first goes first.
  Connection* turned = nullptr;
  for (Connection* at = answers_.exchange(nullptr, std::memory_order_acquire); at != nullptr;) {
    Connection* const next = std::exchange(at->next_answered, turned);
    turned = at;
    at = next;
  }
  while (turned != nullptr) {
    Connection* const next = turned->next_answered;
    turned->answered();
    turned = next;
  }
}

// ---- Time ----

void EventLoop::wait_for_tick() {
  if (waiting_for_tick_) return;
  timer_.expires_after(stopping_ ? Clock::duration(kStoppingTick) : kTick);
  timer_.async_wait([this](error_code error) {
    waiting_for_tick_ = false;
    if (!error) tick();
    wait_for_tick();
  });
  waiting_for_tick_ = true;
}

void EventLoop::tick() {
  const auto now = Clock::now();
  const bool waited_enough = grace_is_over();
  for (Connections* const connections : {&waiting_, &busy_}) {
    for (auto at = connections->begin(); at != connections->end();) {
      Connection& connection = *at++;
      if (waited_enough && connections != &busy_) {
        connection.close();
      } else {
        connection.tick(now);
      }
    }
  }
  shared_.spare_memory.give_back(shared_.limit.open());
  paused_ = false;
  wait_for_clients();
}

}  // namespace mxd::server
