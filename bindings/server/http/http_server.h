// The listening sockets and the event loops behind them: one loop, one thread, one socket a core.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "bindings/server/http/client_address.h"
#include "bindings/server/http/event_loop.h"
#include "bindings/server/http/listen_address.h"
#include "bindings/server/http/listening_socket.h"
#include "bindings/server/request_router.h"
#include "bindings/server/settings.h"

namespace mxd::server {

class HttpServer {
 public:
  // Binds and listens; nothing is accepted yet. Port 0 is replaced by one that is free. Throws
  // std::runtime_error if the address cannot be had. `max_files`: of connections, all together.
  HttpServer(const ListenAddress& address, size_t loops, const CurrentSettings& settings,
             size_t max_files);
  // On sockets that listen already, one or more.
  HttpServer(std::vector<ListeningSocket> sockets, size_t loops, const CurrentSettings& settings,
             size_t max_files);
  // All connections are closed, whatever state they are in.
  ~HttpServer();

  // The first one's. Until stop().
  ListenAddress address() const { return sockets_.front().address(); }

  // Both must outlive the threads, that is: until stop() has returned.
  void start(RequestHandler& router, const TrustedProxies& proxies);

  // Accept nobody more, and answer what has arrived, also from those who are in the queue; but no
  // longer than until `deadline`: false if some were cut then. Ends the threads.
  bool stop(Clock::time_point deadline);

  // [any-thread]
  const ConnectionLimit& connections() const { return shared_.limit; }
  const IncomingBodies& incoming_bodies() const { return shared_.incoming_bodies; }

  // Blocks until every loop has finished what it was doing when this was called. On none of their
  // threads, and between start() and stop().
  void wait_until_all_loops_have_turned();

 private:
  std::vector<ListeningSocket> sockets_;
  SharedByLoops shared_;
};

}  // namespace mxd::server
