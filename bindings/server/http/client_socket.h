// What a connection asks of its client's socket beside reads, writes and waiting. Nothing here
// blocks or throws, but for address_of_peer().
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

// "100 Continue". Where there is no room for it the client sends all the same, a moment later.
void send_continue(int socket) noexcept;

// No more will be sent. What the client still sends can be read.
void end_sending(int socket) noexcept;

// When it is closed, the client sees a reset, and what it has not read is dropped.
void reset_on_close(int socket) noexcept;

}  // namespace mxd::server
