// One client connection: HTTP/1 in, exchanges out, one after the other.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "bindings/server/http/client_address.h"
#include "bindings/server/http/connection_limits.h"
#include "bindings/server/http/connection_memory.h"
#include "bindings/server/request_router.h"

namespace mxd::server {

using Clock = std::chrono::steady_clock;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                boost::asio::io_context::executor_type>;

// All functions are called on the thread of its loop.
class Connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Connection() = default;

  virtual void start() = 0;
  // The answer to its request is there: see ConnectionOwner::answered().
  virtual void answered() = 0;
  // Closes it if it has waited for its client for too long. To be called every second or so.
  virtual void tick(Clock::time_point now) = 0;
  // What has arrived is answered; then it closes. While a request has come in part only, or may be
  // on its way, it stays for the owner to close.
  virtual void begin_stop() = 0;
  virtual void close() = 0;

  Connection* next_answered = nullptr;  // the owner's
  Clock::time_point waiting_since;      // the owner's: for its client
};

// The event loop that a connection belongs to. All calls are on its thread, but answered().
class ConnectionOwner {
 public:
  virtual RequestHandler& router() = 0;
  virtual const TrustedProxies& proxies() = 0;
  virtual IncomingBodies& incoming_bodies() = 0;
  virtual ConnectionMemory& connection_memory() = 0;
  virtual std::string_view http_date() noexcept = 0;  // of now, as in the Date header
  virtual std::span<char> read_buffer() = 0;          // for one read
  virtual bool stopping() const = 0;
  virtual bool grace_is_over() const = 0;           // and no further request is answered
  virtual bool is_own_thread() const = 0;           // [any-thread]
  virtual void answered(Connection&) noexcept = 0;  // answered() will be called. [any-thread]
  // From now on it waits for its client: for a request, or for the rest of one.
  virtual void waits_for_client(Connection& connection) = 0;
  virtual void is_busy(Connection& connection) = 0;
  virtual void gone(Connection& connection) = 0;  // it is being destroyed

 protected:
  ~ConnectionOwner() = default;
};

// It keeps itself alive until it is closed.
std::shared_ptr<Connection> make_connection(Socket socket, ConnectionOwner& owner);

}  // namespace mxd::server
