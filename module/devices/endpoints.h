#pragma once

#include "module/async/task.h"
#include "module/devices/routes.h"
#include "module/host/exchange.h"
#include "module/http/api_error.h"
#include "module/http/response.h"

namespace mxd::devices {

using Answered = http::Result<http::Response>;

// A request on one of our routes, from its first check to its response.
async::Task<http::Response> answer(host::Exchange& exchange, Route route);

// ---- The endpoints, an authenticated principal in the exchange. ----

// GET /devices
async::Task<Answered> list(host::Exchange& exchange);

// GET /devices/{deviceId}
async::Task<Answered> get(host::Exchange& exchange, host::DeviceId id);

// PUT /devices/{deviceId}
async::Task<Answered> put(host::Exchange& exchange, host::DeviceId id);

// DELETE /devices/{deviceId}
async::Task<Answered> delete_one(host::Exchange& exchange, host::DeviceId id);

// POST /delete_devices
async::Task<Answered> delete_many(host::Exchange& exchange);

// ---- What several of them say. ----

// R10: nothing can own it.
inline bool is_impossible(host::DeviceId id) noexcept {
  return id.text.size() > host::kMaxIdBytes || id.text.find('\0') != id.text.npos;
}

inline constexpr http::ApiError kNoSuchDevice{404, "M_NOT_FOUND",
                                              "The user has no device with this ID."};
inline constexpr http::Response kDone{.status = 200, .body = http::kEmptyObject};

}  // namespace mxd::devices
