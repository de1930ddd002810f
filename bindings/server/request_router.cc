#include "bindings/server/request_router.h"

#include "bindings/server/accounts/account_endpoints.h"

namespace mxd::server {

void RequestRouter::serve(Exchange& exchange, mxd_request_token* token) {
  switch (devices().handle(exchange, token)) {
    case MXD_OK:
      return;
    case MXD_NOT_MINE:
      break;
    case MXD_UNAVAILABLE:
      return exchange.respond(busy_response());
    case MXD_INVALID_ARGUMENT:
      return exchange.respond(error_response(400, "M_UNKNOWN", "The request is malformed."));
    default:
      return exchange.respond(
          error_response(500, "M_UNKNOWN", "Something went wrong on the server."));
  }
  if (serve_account_endpoint(accounts_, exchange)) return;
  if (health_.serve(exchange)) return;
  // A browser shows a script the 404 below only if it was allowed to ask.
  if (exchange.request().method == "OPTIONS") return exchange.respond(preflight_response());
  exchange.respond(error_response(404, "M_UNRECOGNIZED", "There is no such endpoint here."));
}

}  // namespace mxd::server
