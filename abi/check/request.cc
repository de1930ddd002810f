#include "abi/check/request.h"

#include <algorithm>
#include <array>

#include "abi/check/text.h"

namespace mxd::check {
namespace {

constexpr std::string_view kDevicesMethods = "GET, HEAD, OPTIONS";
constexpr std::string_view kOneDeviceMethods = "GET, HEAD, PUT, DELETE, OPTIONS";
constexpr std::string_view kDeletionMethods = "POST, OPTIONS";

constexpr std::array<RouteRow, 6> kRoutes{{
    {Route::kDevices, kDevicesMethods, "/_matrix/client/v3/devices"},
    {Route::kOneDevice, kOneDeviceMethods, "/_matrix/client/v3/devices/{deviceId}"},
    {Route::kDeletion, kDeletionMethods, "/_matrix/client/v3/delete_devices"},
    {Route::kDevices, kDevicesMethods, "/_matrix/client/r0/devices"},
    {Route::kOneDevice, kOneDeviceMethods, "/_matrix/client/r0/devices/{deviceId}"},
    {Route::kDeletion, kDeletionMethods, "/_matrix/client/r0/delete_devices"},
}};

bool equals_without_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

bool matches(const RouteRow& row, std::string_view path) {
  if (row.route != Route::kOneDevice) return path == row.path;
  const std::string_view before = row.path.substr(0, row.path.find('{'));
  return path.size() > before.size() && path.substr(0, before.size()) == before &&
         path.find('/', before.size()) == path.npos;
}

// R13: the absolute form is as the origin form.
std::string_view origin_form(std::string_view target) {
  const size_t scheme = target.find("://");
  if (target.empty() || target.front() == '/' || scheme == target.npos) return target;
  const size_t path = target.find('/', scheme + 3);
  return path == target.npos ? "/" : target.substr(path);
}

void read_query(std::string_view query, Request& request) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!value || !is_contract_text(*value)) continue;
    if (name == "access_token") request.token = *value;
    if (name == "resume")
      request.resume = std::move(value);
    else if (name == "skip")
      request.skip = std::move(value);
    else if (name == "answered")
      request.answered = std::move(value);
    else if (name == "user_id")
      request.user_id = std::move(value);
    else if (name == "device_id")
      request.device_id = std::move(value);
  }
}

bool is_bad(mxd_view view) {
  return view.data == nullptr && view.size != 0;
}

}  // namespace

const RouteRow* route_row(uint32_t index) {
  return index < kRoutes.size() ? &kRoutes[index] : nullptr;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

const RouteRow* find_route(std::string_view target) {
  const std::string_view path = path_of(origin_form(target));
  const auto* const found = std::find_if(kRoutes.begin(), kRoutes.end(),
                                         [&](const RouteRow& row) { return matches(row, path); });
  return found == kRoutes.end() ? nullptr : found;
}

const char* fault_of(const mxd_request& request) {
  if (request.size < MXD_REQUEST_SIZE_1_0) return "its size is below that of version 1.0";
  if (request.headers == nullptr && request.header_count != 0) return "headers is NULL";
  for (const mxd_view view : {request.method, request.target, request.body, request.remote_addr}) {
    if (is_bad(view)) return "a view is NULL with a size";
  }
  for (size_t i = 0; i < request.header_count; ++i) {
    if (is_bad(request.headers[i].name) || is_bad(request.headers[i].value)) {
      return "a header is NULL with a size";
    }
  }
  if ((request.flags & MXD_REQUEST_BODY_TOO_LARGE) != 0 && request.body.size != 0) {
    return "it has a body beside MXD_REQUEST_BODY_TOO_LARGE";
  }
  return nullptr;
}

Request read_request(const mxd_request& from) {
  Request request;
  request.cookie = from.cookie;
  request.method = text(from.method);
  request.target = text(from.target);
  request.remote_addr = text(from.remote_addr);
  request.body_too_large = (from.flags & MXD_REQUEST_BODY_TOO_LARGE) != 0;
  request.body_size = from.body.size;
  const size_t question = request.target.find('?');
  if (question != std::string::npos) {
    read_query(std::string_view(request.target).substr(question + 1), request);
  }
  for (size_t i = 0; i < from.header_count; ++i) {
    const std::string_view name = text(from.headers[i].name);
    const std::string_view value = text(from.headers[i].value);
    if (equals_without_case(name, "authorization") && value.size() > 7 &&
        equals_without_case(value.substr(0, 7), "bearer ")) {
      request.token = value.substr(7);
    } else if (equals_without_case(name, "accept")) {
      request.wants_json = value.find("application/json") != value.npos;
    }
  }
  return request;
}

}  // namespace mxd::check
