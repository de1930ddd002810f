#include "server/http_server.h"

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

#include "server/connection.h"
#include "server/json_log.h"

namespace mxd::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

using Executor = asio::io_context::executor_type;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

constexpr auto kAcceptAgain = std::chrono::milliseconds(100);
// When stopping: how long a request that has begun may take to arrive.
constexpr auto kRequestGrace = std::chrono::seconds(2);

// Throws std::runtime_error.
void listen(Acceptor& acceptor, const ListenAddress& address, bool shared) {
  const tcp::endpoint endpoint(asio::ip::make_address(address.host), address.port);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && shared) {
    const int on = 1;
    if (::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      error.assign(errno, boost::system::system_category());
    }
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return;
  const std::string what = "cannot listen on " + to_string(address) + ": ";
  if (error == asio::error::address_in_use) {
    throw std::runtime_error(
        what + "the address is in use; stop what listens there, or choose another port");
  }
  throw std::runtime_error(what + error.message());
}

// Sets a flag until the operation that holds it comes to its end, or is given up.
class Pending {
 public:
  explicit Pending(bool& flag) : flag_(&flag) { flag = true; }
  Pending(Pending&& other) noexcept : flag_(std::exchange(other.flag_, nullptr)) {}
  Pending& operator=(Pending&&) = delete;
  ~Pending() { end(); }

  void end() {
    if (flag_ != nullptr) *std::exchange(flag_, nullptr) = false;
  }

 private:
  bool* flag_;
};

}  // namespace

class EventLoop final : public ConnectionOwner {
 public:
  explicit EventLoop(std::size_t max_connections)
      : max_connections_(max_connections),
        context_(1),
        acceptor_(context_.get_executor()),
        timer_(context_.get_executor()),
        work_(context_.get_executor()) {}

  ~EventLoop() { destroyed_ = true; }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Takes the next free port for port 0, and returns the one it got.
  std::uint16_t listen_on(const ListenAddress& address) {
    listen(acceptor_, address, true);
    return acceptor_.local_endpoint().port();
  }

  void start(RequestRouter& router, const TrustedProxies& proxies) {
    router_ = &router;
    proxies_ = &proxies;
    std::packaged_task<void()> task([this] { run(); });
    ended_ = task.get_future();
    thread_ = std::thread(std::move(task));
  }

  void begin_stop() {
    asio::post(context_, [this] {
      stopping_ = true;
      error_code ignored;
      acceptor_.close(ignored);
      for (Connection* const connection : connections_)
        connection->close_if_idle();
      // A request that is half sent has a little time to come whole.
      timer_.expires_after(kRequestGrace);
      timer_.async_wait([this](error_code error) {
        if (error) return;
        for (Connection* const connection : connections_)
          connection->close_if_receiving();
      });
      end_if_done();
    });
  }

  void end_stop(std::chrono::steady_clock::time_point deadline) {
    if (!thread_.joinable()) return;
    if (ended_.wait_until(deadline) != std::future_status::ready) {
      log_message(MXD_LOG_WARNING, "connections did not finish in time; they are cut");
      context_.stop();
    }
    thread_.join();
  }

  RequestRouter& router() override { return *router_; }
  const TrustedProxies& proxies() override { return *proxies_; }
  bool stopping() const override { return stopping_; }

  std::string_view http_date() override {
    const std::time_t now = std::time(nullptr);
    if (now != date_of_) {
      date_of_ = now;
      date_ =
          absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromTimeT(now), absl::UTCTimeZone());
    }
    return date_;
  }

  void gone(Connection& connection) override {
    if (destroyed_) return;  // and the context is destroying what waits in it
    connections_.erase(&connection);
    end_if_done();
    if (stopping_ || accepting_) return;
    try {  // there is room again
      asio::post(context_, [this] { accept(); });
    } catch (const std::exception& error) {  // the next one to go asks again
      log_message(MXD_LOG_ERROR, error.what());
    }
  }

 private:
  void end_if_done() {
    if (!stopping_ || !connections_.empty()) return;
    timer_.cancel();
    work_.reset();
  }

  // What is thrown out of a handler is want of memory. It has cost what the handler was about, and
  // nothing else: if that was accepting, it begins again (O2).
  void run() {
    while (true) {
      try {
        accept();
        context_.run();
        return;
      } catch (const std::exception& error) {
        log_message(MXD_LOG_ERROR, error.what());
      }
    }
  }

  void accept() {
    if (stopping_ || accepting_ || connections_.size() >= max_connections_) return;
    acceptor_.async_accept(
        context_, [this, pending = Pending(accepting_)](error_code error, Socket socket) mutable {
          pending.end();
          if (error == asio::error::operation_aborted) return;
          if (error) return accept_later();
          const auto connection = make_connection(std::move(socket), *this);
          connections_.insert(connection.get());
          connection->start();
          accept();
        });
  }

  // Out of file descriptors or memory: others will come free.
  void accept_later() {
    timer_.expires_after(kAcceptAgain);
    timer_.async_wait([this, pending = Pending(accepting_)](error_code error) mutable {
      pending.end();
      if (!error) accept();
    });
  }

  const std::size_t max_connections_;
  RequestRouter* router_ = nullptr;
  const TrustedProxies* proxies_ = nullptr;
  bool stopping_ = false;
  std::time_t date_of_ = 0;
  std::string date_;
  absl::flat_hash_set<Connection*> connections_;
  bool accepting_ = false;  // or waiting to
  bool destroyed_ = false;
  // Behind the above: connections that are destroyed with it still call gone().
  asio::io_context context_;
  Acceptor acceptor_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer_;
  asio::executor_work_guard<Executor> work_;
  std::future<void> ended_;
  std::thread thread_;
};

HttpServer::HttpServer(const ListenAddress& address, std::size_t loops, std::size_t max_connections)
    : address_(address) {
  if (address.port != 0) {
    // SO_REUSEPORT would share the port with another server of the same user. Without it the
    // kernel says that the port is taken.
    asio::io_context context;
    Acceptor alone(context.get_executor());
    listen(alone, address, false);
  }
  for (std::size_t i = 0; i < loops; ++i) {
    auto loop = std::make_unique<EventLoop>(std::max<std::size_t>(max_connections / loops, 1));
    address_.port = loop->listen_on(address_);
    loops_.push_back(std::move(loop));
  }
}

HttpServer::~HttpServer() {
  stop(std::chrono::seconds(0));
}

void HttpServer::start(RequestRouter& router, const TrustedProxies& proxies) {
  for (const auto& loop : loops_)
    loop->start(router, proxies);
}

void HttpServer::stop(std::chrono::seconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  for (const auto& loop : loops_)
    loop->begin_stop();
  for (const auto& loop : loops_)
    loop->end_stop(deadline);
}

}  // namespace mxd::server
