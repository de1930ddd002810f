// One client connection: HTTP/1 in, exchanges out, one after the other.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string_view>

#include "server/client_address.h"
#include "server/request_router.h"

namespace mxd::server {

using Socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // Where the owner is stopping, a connection closes behind its next answer. These are for those
  // that have none to give: no request has begun; none has arrived as a whole.
  virtual void close_if_idle() = 0;
  virtual void close_if_receiving() = 0;
};

// The event loop that a connection belongs to. All calls are on its thread.
class ConnectionOwner {
 public:
  virtual RequestRouter& router() = 0;
  virtual const TrustedProxies& proxies() = 0;
  virtual bool stopping() const = 0;
  virtual std::string_view http_date() = 0;       // of now, as in the Date header
  virtual void gone(Connection& connection) = 0;  // it is being destroyed

 protected:
  ~ConnectionOwner() = default;
};

// It keeps itself alive until it is closed.
std::shared_ptr<Connection> make_connection(Socket socket, ConnectionOwner& owner);

}  // namespace mxd::server
