// What a connection asks the system about its client's socket. Nothing here blocks or throws, but
// for address_of_peer().
#pragma once

#include <optional>
#include <string>

namespace mxd::server {

// The peer's IP address in its normal form; empty for a Unix socket, and for a client that has
// gone.
// @throws std::bad_alloc
std::string address_of_peer(int socket);

// Have answers leave as they are written (TCP_NODELAY); no matter to other kinds of sockets.
void send_without_delay(int socket) noexcept;

// Whether bytes have arrived that nobody has read.
bool has_unread_bytes(int socket) noexcept;

// Whether nobody can read an answer any more: the client has reset the connection. One that has
// only closed its own half still can.
bool is_reset(int socket) noexcept;

// How much of what was written the client has not acknowledged; nothing where that is not known.
std::optional<int> unacknowledged_bytes(int socket) noexcept;

}  // namespace mxd::server
