// The sockets that a server listens on: made here, or given by whoever started it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/server/http/listen_address.h"

namespace mxd::server {

// One that listens, and does not block.
class ListeningSocket {
 public:
  // TCP. `shared`: others of this process may have the same port (SO_REUSEPORT). Throws
  // std::runtime_error with one line that names the address.
  static ListeningSocket tcp(const ListenAddress& address, bool shared);
  // A Unix socket that its owner and its group may connect to. One that nobody listens on any more
  // is replaced; any other file is left, and refused.
  static ListeningSocket unix(const std::string& path);
  // Those that systemd has passed on (sd_listen_fds). Throws if one of them is none that listens.
  static std::vector<ListeningSocket> passed_on();

  ListeningSocket(ListeningSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), file_(std::move(other.file_)) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  // Another descriptor of the same socket.
  ListeningSocket duplicate() const;
  // The descriptor, which is the caller's from now on.
  int release() { return std::exchange(descriptor_, -1); }

  int family() const;             // AF_*
  ListenAddress address() const;  // with the port that it got

 private:
  class File;  // of a Unix socket; removed with the last descriptor that knows it

  explicit ListeningSocket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  std::shared_ptr<const File> file_;
};

}  // namespace mxd::server
