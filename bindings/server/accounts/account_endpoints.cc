#include "bindings/server/accounts/account_endpoints.h"

#include <array>
#include <boost/json/array.hpp>
#include <string>

#include "bindings/server/http/request_target.h"

namespace mxd::server {
namespace {

using Endpoint = void (*)(AccountContext&, Exchange&);

struct Route {
  std::string_view path;
  Endpoint get;
  Endpoint post;

  std::string allow() const {
    std::string methods;
    if (get != nullptr) methods += "GET, HEAD, ";
    if (post != nullptr) methods += "POST, ";
    return methods + "OPTIONS";
  }
};

constexpr std::string_view kPrefix = "/_matrix/client/";

constexpr Route kVersions = {"versions", &get_versions, nullptr};

// After v3 or r0.
constexpr std::array kRoutes = {
    Route{"login", &get_login, &post_login},        Route{"register", nullptr, &post_register},
    Route{"refresh", nullptr, &post_refresh},       Route{"logout", nullptr, &post_logout},
    Route{"logout/all", nullptr, &post_logout_all}, Route{"account/whoami", &get_whoami, nullptr},
};

const Route* find_route(std::string_view path) {
  if (!path.starts_with(kPrefix)) return nullptr;
  path.remove_prefix(kPrefix.size());
  if (path == kVersions.path) return &kVersions;
  if (!path.starts_with("v3/") && !path.starts_with("r0/")) return nullptr;
  path.remove_prefix(3);
  for (const Route& route : kRoutes) {
    if (route.path == path) return &route;
  }
  return nullptr;
}

}  // namespace

bool serve_account_endpoint(AccountContext& context, Exchange& exchange) {
  const Request& request = exchange.request();
  const Route* const route = find_route(RequestTarget(request.target).path());
  if (route == nullptr) return false;

  if (request.method == "OPTIONS") {
    exchange.respond(preflight_response());
  } else if (route->get != nullptr && (request.method == "GET" || request.method == "HEAD")) {
    route->get(context, exchange);
  } else if (route->post != nullptr && request.method == "POST") {
    route->post(context, exchange);
  } else {
    Response response =
        error_response(405, "M_UNRECOGNIZED", "This endpoint knows " + route->allow() + ".");
    add_header(response.headers, "Allow", route->allow());
    exchange.respond(std::move(response));
  }
  return true;
}

void get_versions(AccountContext&, Exchange& exchange) {
  exchange.respond(json_response(
      200, {{"versions", {"r0.5.0", "r0.6.0", "r0.6.1", "v1.1",  "v1.2",  "v1.3",  "v1.4",
                          "v1.5",   "v1.6",   "v1.7",   "v1.8",  "v1.9",  "v1.10", "v1.11",
                          "v1.12",  "v1.13",  "v1.14",  "v1.15", "v1.16", "v1.17"}},
            {"unstable_features", boost::json::object()}}));
}

}  // namespace mxd::server
