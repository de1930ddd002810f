#pragma once

#include <cstdint>
#include <string_view>

#include "module/http/api_error.h"
#include "module/http/json_writer.h"

namespace mxd::http {

// What a request is answered with. Its text lives in the request's memory.
struct Response {
  int status = 500;
  std::string_view body = {};
  std::string_view allow = {};  // value of the Allow header, or empty
  int64_t retry_after_ms = -1;  // < 0: none
  std::string_view content_type = "application/json";
  std::string_view page_policy = {};  // of a page: its Content-Security-Policy
  bool is_preflight = false;
};

inline constexpr std::string_view kEmptyObject = "{}";

// R5
inline constexpr Response kPreflight{.status = 204, .content_type = {}, .is_preflight = true};

// The body that an error has; needs no memory but the output buffer's. @throws std::bad_alloc
Response render(const ApiError& error, memory::OutputBuffer& output);

// The answer where there is no memory left to make one (H4).
inline constexpr Response kOutOfMemory{
    .status = 500,
    .body = R"({"errcode":"M_UNKNOWN","error":"The server ran out of memory; try again later."})"};

}  // namespace mxd::http
