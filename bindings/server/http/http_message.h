// A request and its answer, whatever carried them: what connections, the module and the server's
// own endpoints have in common.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_devices/module.h"

namespace mxd::server {

struct Request {
  std::string_view method;
  std::string_view target;  // raw, normal: see bindings/common/normal_target.h
  std::string_view body;
  std::vector<mxd_header> headers;
  std::string remote_addr;      // of the client, behind trusted proxies
  bool body_too_large = false;  // body is empty: it was over the limit
};

struct Response {
  unsigned status = 200;
  std::string headers;  // as they are sent, a line each: "Name: value\r\n"
  std::string body;     // for HEAD: what GET would have
};

// Both are as they may be sent: without line breaks.
void add_header(std::string& headers, std::string_view name, std::string_view value);

// One request on its way. It lives, and its request stays as it is, until it has been answered.
class Exchange {
 public:
  virtual const Request& request() const = 0;
  // Once. [any-thread]
  virtual void respond(Response response) noexcept = 0;

 protected:
  ~Exchange() = default;
};

// ---- Answers ----

// With a JSON body and the headers that every response has.
Response json_response(unsigned status, const boost::json::object& body);
Response error_response(unsigned status, std::string_view errcode, std::string_view text,
                        boost::json::object extra = {});
// 429 M_LIMIT_EXCEEDED.
Response limited_response(std::chrono::milliseconds retry_after);
// 500, where there is no memory for more. It stands for an answer that is ready-made: answer.h.
inline Response bare_failure() noexcept {
  return {500, {}, {}};
}
inline bool is_bare_failure(const Response& response) noexcept {
  return response.status == 500 && response.headers.empty();
}
// 503, when there is more to do than can wait.
Response busy_response();
// 204, for a browser that asks what it may send.
Response preflight_response();

// ---- Questions ----

// The value of the only header of this name; nothing if there is none, or more than one.
std::optional<std::string_view> only_header(const Request& request, std::string_view name);

// All lines of a header, in order.
std::vector<std::string_view> header_lines(const Request& request, std::string_view name);

// The body as a JSON object, or the answer that says why it is none.
struct ParsedBody {
  boost::json::object object;
  std::optional<Response> refusal;
};
ParsedBody parse_body(const Request& request);

}  // namespace mxd::server
