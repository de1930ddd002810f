#pragma once

#include <cstdint>
#include <string_view>

#include "module/http/api_error.h"
#include "module/http/json_writer.h"

namespace mxd::http {

// What a request is answered with. Lives in the request's arena, or is a constant; so does its
// text, or it is in the output buffer.
struct Response {
  enum class Kind { kApi, kPreflight, kPage };  // JSON; nothing (R5); HTML (F1)

  int status = 500;
  Kind kind = Kind::kApi;
  std::string_view body = {};
  std::string_view allow = {};        // value of the Allow header, or empty
  int64_t retry_after_ms = -1;        // < 0: none
  std::string_view page_policy = {};  // of a page: its Content-Security-Policy
};

inline constexpr std::string_view kEmptyObject = "{}";

// R5
inline constexpr Response kPreflight{.status = 204, .kind = Response::Kind::kPreflight};

// The body that an error has; needs no memory but the output buffer's. @throws std::bad_alloc
Response render(const ApiError& error, memory::OutputBuffer& output);

// A response that is made for one request. @throws std::bad_alloc
inline const Response* make_response(memory::Arena& arena, const Response& response) {
  return arena.make<Response>(response);
}

// The answer where there is no memory left to make one (H4).
inline constexpr Response kOutOfMemory{
    .status = 500,
    .body = R"({"errcode":"M_UNKNOWN","error":"The server ran out of memory; try again later."})"};

}  // namespace mxd::http
