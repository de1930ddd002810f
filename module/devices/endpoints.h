#pragma once

#include "module/async/task.h"
#include "module/devices/routes.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"
#include "module/http/response.h"

namespace mxd::devices {

// A request on one of our routes, from its first check to its answer.
async::Task<Answered> answer(host::Exchange& exchange, Route route);

// ---- The handlers of the table of routes, which get the ID in the path, or nothing. ----

// GET /devices
async::Task<Answered> list(host::Exchange& exchange, std::string_view);

// GET /devices/{deviceId}
async::Task<Answered> get(host::Exchange& exchange, std::string_view id);

// PUT /devices/{deviceId}
async::Task<Answered> put(host::Exchange& exchange, std::string_view id);

// DELETE /devices/{deviceId}
async::Task<Answered> delete_one(host::Exchange& exchange, std::string_view id);

// POST /delete_devices
async::Task<Answered> delete_many(host::Exchange& exchange, std::string_view);

// ---- What several of them say. ----

// R10: nothing can own it.
inline bool is_impossible(std::string_view id) noexcept {
  return id.size() > host::kMaxIdBytes || id.find('\0') != id.npos;
}

inline constexpr http::ApiError kNoSuchDevice{404, "M_NOT_FOUND",
                                              "The user has no device with this ID."};
inline constexpr http::Response kDone{.status = 200, .body = http::kEmptyObject};

// What was written to the output buffer. @throws std::bad_alloc
inline const http::Response* written(host::Exchange& exchange) {
  return http::make_response(exchange.arena(), {.status = 200, .body = exchange.output().view()});
}

}  // namespace mxd::devices
