// The listening sockets and the event loops behind them: one loop, one thread, one socket a core.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "server/client_address.h"
#include "server/listen_address.h"
#include "server/request_router.h"

namespace mxd::server {

class EventLoop;

class HttpServer {
 public:
  // Binds and listens; nothing is accepted yet. Port 0 is replaced by one that is free. Throws
  // std::runtime_error if the address cannot be had. `max_connections` in all.
  HttpServer(const ListenAddress& address, std::size_t loops, std::size_t max_connections);
  // All connections are closed, whatever state they are in.
  ~HttpServer();

  const ListenAddress& address() const { return address_; }

  // Both must outlive the threads, that is: until stop() has returned.
  void start(RequestRouter& router, const TrustedProxies& proxies);

  // Accept nothing more, close what is idle, wait until requests in flight have been answered, but
  // no longer than `bound`. Ends the threads.
  void stop(std::chrono::seconds bound);

 private:
  ListenAddress address_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
};

}  // namespace mxd::server
