// TLS to the server: when it is a must, and what to do where it fails.
#ifndef MXD_BINDINGS_STORE_POSTGRES_TLS_H
#define MXD_BINDINGS_STORE_POSTGRES_TLS_H

#include <string_view>

namespace mxd::store::postgres {

// Whether one of these leads over a network, as libpq has them: lists with commas between. Sockets
// and loopback addresses don't; where there is no host, libpq takes a socket.
bool leads_over_a_network(std::string_view hosts, std::string_view addresses);

// What to do about a failure of libpq's to connect; empty where that is not about TLS.
std::string_view tls_advice(std::string_view trouble);

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_TLS_H
