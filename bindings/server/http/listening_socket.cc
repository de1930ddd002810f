#include "bindings/server/http/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace mxd::server {
namespace {

constexpr mode_t kUnixMode = 0660;

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw std::runtime_error("cannot listen on " + where + ": " + why);
}

[[noreturn]] void refuse(const std::string& where) {
  if (errno == EADDRINUSE) {
    refuse(where, "the address is in use; stop what listens there, or choose another port");
  }
  refuse(where, std::generic_category().message(errno));
}

// Throws std::runtime_error.
int open_socket(int family, const std::string& where) {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) refuse(where);
  return descriptor;
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    refuse("unix:" + path,
           "the path is longer than " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  path.copy(address.sun_path, path.size());
  return address;
}

// Makes room for a socket at `path`, where one lies that nobody listens on.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  const std::string where = "unix:" + path;
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    refuse(where);
  }
  if (!S_ISSOCK(there.st_mode)) refuse(where, "the file is there, and is no socket");
  const int probe = open_socket(AF_UNIX, where);
  const int connected =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::close(probe);
  if (connected == 0 || error == EAGAIN) refuse(where, "another process listens there; stop it");
  errno = error;
  if (error != ECONNREFUSED || ::unlink(path.c_str()) != 0) refuse(where);
}

}  // namespace

class ListeningSocket::File {
 public:
  explicit File(const std::string& path) : path_(path) { ::lstat(path.c_str(), &made_); }
  ~File() {
    struct stat there {};
    const bool is_there = ::lstat(path_.c_str(), &there) == 0;
    if (is_there && there.st_dev == made_.st_dev && there.st_ino == made_.st_ino) {
      ::unlink(path_.c_str());
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  const std::string path_;
  struct stat made_ {};
};

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

ListeningSocket ListeningSocket::tcp(const ListenAddress& address, bool shared) {
  const std::string where = to_string(address);
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address(address.host),
                                                address.port);
  ListeningSocket socket(open_socket(endpoint.protocol().family(), where));
  const int on = 1;
  const auto set = [&](int option) {
    return ::setsockopt(socket.descriptor_, SOL_SOCKET, option, &on, sizeof on) == 0;
  };
  if (!set(SO_REUSEADDR) || (shared && !set(SO_REUSEPORT)) ||
      ::bind(socket.descriptor_, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(socket.descriptor_, SOMAXCONN) != 0) {
    refuse(where);
  }
  return socket;
}

ListeningSocket ListeningSocket::unix(const std::string& path) {
  const std::string where = "unix:" + path;
  const sockaddr_un address = unix_address(path);
  remove_stale(path, address);
  ListeningSocket socket(open_socket(AF_UNIX, where));
  if (::bind(socket.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0) {
    refuse(where);
  }
  socket.file_ = std::make_shared<const File>(path);
  // Nobody can connect before listen().
  if (::chmod(path.c_str(), kUnixMode) != 0 || ::listen(socket.descriptor_, SOMAXCONN) != 0) {
    refuse(where);
  }
  return socket;
}

std::vector<ListeningSocket> ListeningSocket::passed_on() {
  std::vector<ListeningSocket> sockets;
  const int count = ::sd_listen_fds(1);
  if (count < 0) refuse("what LISTEN_FDS names", std::generic_category().message(-count));
  for (int i = 0; i < count; ++i) {
    ListeningSocket socket(SD_LISTEN_FDS_START + i);
    if (::sd_is_socket(socket.descriptor_, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
      refuse("file " + std::to_string(socket.descriptor_) + " of LISTEN_FDS",
             "it is no stream socket that listens");
    }
    const int flags = ::fcntl(socket.descriptor_, F_GETFL);
    ::fcntl(socket.descriptor_, F_SETFL, flags | O_NONBLOCK);
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

ListeningSocket ListeningSocket::duplicate() const {
  const int descriptor = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "a socket");
  return ListeningSocket(descriptor);
}

int ListeningSocket::family() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&bound), &size);
  return bound.ss_family;
}

ListenAddress ListeningSocket::address() const {
  union {
    sockaddr any;
    sockaddr_un local;
    sockaddr_storage room;
  } bound{};
  socklen_t size = sizeof bound;
  ::getsockname(descriptor_, &bound.any, &size);
  ListenAddress address;
  if (bound.any.sa_family == AF_UNIX) {
    // The name of one that has none, or an abstract one, is no path.
    const std::string_view name(bound.local.sun_path);
    address.path = name.empty() ? std::string("(no path)") : std::string(name);
    return address;
  }
  boost::asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), &bound, std::min<size_t>(size, endpoint.capacity()));
  endpoint.resize(size);
  address.host = endpoint.address().to_string();
  address.port = endpoint.port();
  return address;
}

}  // namespace mxd::server
