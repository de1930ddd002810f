#include "bindings/server/http/client_socket.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstring>
#include <string_view>

#include "bindings/server/http/client_address.h"

namespace mxd::server {

std::string address_of_peer(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return {};
  boost::asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &address, size);
  return normal_address(endpoint.address().to_string()).value_or("");
}

void send_without_delay(int socket) noexcept {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool has_unread_bytes(int socket) noexcept {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool is_reset(int socket) noexcept {
  pollfd client{socket, 0, 0};
  ::poll(&client, 1, 0);
  return (client.revents & (POLLERR | POLLHUP)) != 0;
}

std::optional<int> unacknowledged_bytes(int socket) noexcept {
  int bytes = 0;
  if (::ioctl(socket, SIOCOUTQ, &bytes) != 0) return std::nullopt;
  return bytes;
}

void send_continue(int socket) noexcept {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  ::send(socket, kContinue.data(), kContinue.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void end_sending(int socket) noexcept {
  ::shutdown(socket, SHUT_WR);
}

void reset_on_close(int socket) noexcept {
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace mxd::server
