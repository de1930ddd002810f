#include "bindings/server/http/http_server.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

namespace mxd::server {
namespace {

// A socket a loop, as far as the kernel can share an address out among several.
std::vector<ListeningSocket> listen(const ListenAddress& address, size_t loops) {
  std::vector<ListeningSocket> sockets;
  if (!address.path.empty()) {
    sockets.push_back(ListeningSocket::unix(address.path));
    return sockets;
  }
  // SO_REUSEPORT would share the port with another server of the same user. Without it the kernel
  // says that the port is taken.
  if (address.port != 0) ListeningSocket::tcp(address, false);
  ListenAddress got = address;
  for (size_t i = 0; i < loops; ++i) {
    sockets.push_back(ListeningSocket::tcp(got, true));
    got = sockets.back().address();  // the port of the first is the others' too
  }
  return sockets;
}

}  // namespace

HttpServer::HttpServer(const ListenAddress& address, size_t loops, const CurrentSettings& settings,
                       size_t max_files)
    : HttpServer(listen(address, loops), loops, settings, max_files) {}

HttpServer::HttpServer(std::vector<ListeningSocket> sockets, size_t loops,
                       const CurrentSettings& settings, size_t max_files)
    : sockets_(std::move(sockets)),
      shared_{{settings, max_files}, IncomingBodies(settings), {}, {}} {
  // Every socket has a loop, and every loop a socket.
  for (size_t i = 0; i < std::max(loops, sockets_.size()); ++i) {
    auto loop = std::make_unique<EventLoop>(shared_);
    loop->listen_on(sockets_[i % sockets_.size()].duplicate());
    shared_.loops.push_back(std::move(loop));
  }
}

HttpServer::~HttpServer() {
  stop(Clock::now());
}

void HttpServer::start(RequestHandler& router, const TrustedProxies& proxies) {
  for (const auto& loop : shared_.loops)
    loop->start(router, proxies);
}

bool HttpServer::stop(Clock::time_point deadline) {
  for (const auto& loop : shared_.loops)
    loop->begin_stop();
  sockets_.clear();  // the loops' own ones are closed when the queue is empty
  bool is_finished = true;
  for (const auto& loop : shared_.loops)
    is_finished &= loop->end_stop(deadline);
  return is_finished;
}

void HttpServer::wait_until_all_loops_have_turned() {
  std::vector<std::shared_ptr<const Event>> turns;
  turns.reserve(shared_.loops.size());
  for (const auto& loop : shared_.loops)
    turns.push_back(loop->turn());
  for (const auto& turn : turns)
    turn->wait();
}

}  // namespace mxd::server
