#pragma once

#include <cstdint>
#include <string_view>

#include "module/http/target.h"

namespace mxd::http {

// A request as it came off the wire; all text is in the request's arena.
struct Request {
  std::string_view method;
  Target target;
  std::string_view authorization;    // the value of the Authorization header
  uint32_t authorization_count = 0;  // how many such headers there were
  std::string_view accept_language;  // of the header, if it is given once or more: the last
  std::string_view body;
  bool body_too_large = false;
  std::string_view remote_addr;
};

}  // namespace mxd::http
