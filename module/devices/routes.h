#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "module/async/task.h"
#include "module/config/config.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"
#include "module/http/response.h"

namespace mxd::devices {

using Answered = http::Result<const http::Response*>;

// Answers a request. `segment` is that of its path, decoded, or empty.
using Handler = async::Task<Answered> (*)(host::Exchange& exchange, std::string_view segment);

struct Method {
  std::string_view name;
  Handler handler;
  bool deletes = false;  // what guests and OAuth tokens may not: A8, D3
};

// A path, after the version, and what its methods do. HEAD goes with GET, and OPTIONS with all.
struct Endpoint {
  enum class Asks { kPrincipal, kNobody };  // who is asking: an access token's owner, or anybody

  constexpr Endpoint(std::string_view path_template, Asks who, std::span<const Method> all)
      : path(path_template),
        before(path.substr(0, path.find('{'))),
        after(path.substr(std::min(path.find('}'), path.size() - 1) + 1)),
        has_segment(before.size() != path.size()),
        asks(who),
        methods(all) {
    for (const auto& method : methods) {
      append(method.name);
      append(method.name == "GET" ? ", HEAD, " : ", ");
    }
    append("OPTIONS");
  }
  // The methods, as in an Allow header (R7).
  constexpr std::string_view allow() const { return {allow_, allow_size_}; }

  std::string_view path;
  std::string_view before;  // of it, what stands before the segment,
  std::string_view after;   // and after it
  bool has_segment;
  Asks asks;
  std::span<const Method> methods;

 private:
  constexpr void append(std::string_view text) {
    for (const char c : text)
      allow_[allow_size_++] = c;
  }

  char allow_[40] = {};
  size_t allow_size_ = 0;
};

// The table of all routes: rows R1 to R3, and F1.
std::span<const Endpoint> endpoints() noexcept;

// The paths that User-Interactive Authentication names.
inline constexpr std::string_view kDevicePath = "/devices/{deviceId}";
inline constexpr std::string_view kDeleteDevicesPath = "/delete_devices";

inline constexpr std::string_view kClientPrefix = "/_matrix/client/";  // the version follows: R4

// Where a path leads.
struct Route {
  const Endpoint* endpoint;
  std::string_view segment;  // not decoded
};

// None: not ours (R8).
std::optional<Route> find_route(std::string_view path, const config::Config& config) noexcept;

// Null: R7.
const Method* find_method(const Endpoint& endpoint, std::string_view name) noexcept;

}  // namespace mxd::devices
