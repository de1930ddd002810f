#include "bindings/server/http/http_message.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <boost/json.hpp>

#include "bindings/common/json_reader.h"
#include "matrix_devices/module.hpp"

namespace mxd::server {
namespace {

namespace json = boost::json;

bool same_name(mxd_view name, std::string_view wanted) {
  return absl::EqualsIgnoreCase(absl::string_view(name.data, name.size),
                                absl::string_view(wanted.data(), wanted.size()));
}

constexpr const char* kCommonHeaders =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS\r\n"
    "Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization\r\n"
    "Access-Control-Expose-Headers: Retry-After\r\n"
    "Cache-Control: no-store\r\n";

}  // namespace

void add_header(std::string& headers, std::string_view name, std::string_view value) {
  headers.append(name).append(": ").append(value).append("\r\n");
}

Response json_response(unsigned status, const json::object& body) {
  Response response{status, kCommonHeaders, json::serialize(body)};
  add_header(response.headers, "Content-Type", "application/json");
  return response;
}

Response error_response(unsigned status, std::string_view errcode, std::string_view text,
                        json::object extra) {
  extra["errcode"] = errcode;
  extra["error"] = text;
  return json_response(status, extra);
}

Response limited_response(std::chrono::milliseconds retry_after) {
  const auto ms = std::max<int64_t>(retry_after.count(), 1);
  const std::string seconds = std::to_string((ms + 999) / 1000);
  Response response = error_response(
      429, "M_LIMIT_EXCEEDED",
      "Too many attempts. Try again in " + seconds + (seconds == "1" ? " second." : " seconds."),
      {{"retry_after_ms", ms}});
  add_header(response.headers, "Retry-After", seconds);
  return response;
}

Response busy_response() {
  Response response =
      error_response(503, "M_UNKNOWN", "The server is busy. Send the request again in a moment.");
  add_header(response.headers, "Retry-After", "1");
  return response;
}

Response preflight_response() {
  Response response{204, kCommonHeaders, {}};
  add_header(response.headers, "Access-Control-Max-Age", "86400");  // R5
  return response;
}

std::optional<std::string_view> only_header(const Request& request, std::string_view name) {
  const auto lines = header_lines(request, name);
  if (lines.size() != 1) return std::nullopt;
  return lines.front();
}

std::vector<std::string_view> header_lines(const Request& request, std::string_view name) {
  std::vector<std::string_view> lines;
  for (const mxd_header& header : request.headers) {
    if (same_name(header.name, name)) lines.push_back(text(header.value));
  }
  return lines;
}

ParsedBody parse_body(const Request& request) {
  ParsedBody parsed;
  if (request.body_too_large) {
    parsed.refusal =
        error_response(413, "M_TOO_LARGE", "The body is too large. Send a smaller one.");
    return parsed;
  }
  common::ReadObject read = common::read_json_object(request.body);
  if (read.fault) {
    parsed.refusal =
        error_response(400, common::errcode(*read.fault), common::explain(*read.fault));
  } else {
    parsed.object = std::move(read.object);
  }
  return parsed;
}

}  // namespace mxd::server
