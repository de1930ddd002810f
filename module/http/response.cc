#include "module/http/response.h"

namespace mxd::http {

Response render(const ApiError& error, memory::OutputBuffer& output) {
  output.truncate(0);
  JsonWriter json(output);
  json.begin_object();
  if (!error.errcode.empty()) {
    json.member("errcode", error.errcode);
    json.member("error", error.text);
  }
  if (error.status == 429 && error.retry_after_ms >= 0) {
    json.member("retry_after_ms", error.retry_after_ms);  // L1
  }
  json.members(error.extra_members);
  json.end_object();
  return {.status = error.status, .body = output.view(), .retry_after_ms = error.retry_after_ms};
}

}  // namespace mxd::http
