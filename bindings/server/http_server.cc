#include "server/http_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <future>
#include <stdexcept>
#include <vector>

namespace mxd::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

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
  if (!error) acceptor.native_non_blocking(true, error);
  if (!error) return;
  const std::string what = "cannot listen on " + to_string(address) + ": ";
  if (error == asio::error::address_in_use) {
    throw std::runtime_error(
        what + "the address is in use; stop what listens there, or choose another port");
  }
  throw std::runtime_error(what + error.message());
}

}  // namespace

HttpServer::HttpServer(const ListenAddress& address, std::size_t loops,
                       const CurrentSettings& settings, std::size_t max_files)
    : address_(address), shared_{{settings, max_files}, IncomingBodies(settings), {}} {
  if (address.port != 0) {
    // SO_REUSEPORT would share the port with another server of the same user. Without it the
    // kernel says that the port is taken.
    asio::io_context context;
    Acceptor alone(context.get_executor());
    listen(alone, address, false);
  }
  for (std::size_t i = 0; i < loops; ++i) {
    auto loop = std::make_unique<EventLoop>(shared_);
    listen(loop->acceptor(), address_, true);
    address_.port = loop->acceptor().local_endpoint().port();  // and the others share it
    shared_.loops.push_back(std::move(loop));
  }
}

HttpServer::~HttpServer() {
  stop(Clock::now());
}

void HttpServer::start(RequestRouter& router, const TrustedProxies& proxies) {
  for (const auto& loop : shared_.loops)
    loop->start(router, proxies);
}

bool HttpServer::stop(Clock::time_point deadline) {
  for (const auto& loop : shared_.loops)
    loop->begin_stop();
  bool is_finished = true;
  for (const auto& loop : shared_.loops)
    is_finished &= loop->end_stop(deadline);
  return is_finished;
}

void HttpServer::wait_until_all_loops_have_turned() {
  std::vector<std::future<void>> turns;
  for (const auto& loop : shared_.loops)
    turns.push_back(loop->turn());
  for (const std::future<void>& turn : turns)
    turn.wait();
}

}  // namespace mxd::server
