#include "abi/check/callbacks.h"

namespace mxd::check {

std::string name_of(int32_t status) {
  constexpr std::array<std::string_view, 14> kAnswers{"OK",
                                                      "NOT_MINE",
                                                      "CREATED",
                                                      "NOT_FOUND",
                                                      "UNKNOWN_TOKEN",
                                                      "TOKEN_EXPIRED",
                                                      "USER_LOCKED",
                                                      "FORBIDDEN",
                                                      "UNKNOWN_DEVICE",
                                                      "LIMIT_EXCEEDED",
                                                      "REFUSED",
                                                      "BAD_DATA",
                                                      "HOST_ERROR",
                                                      "CONFLICT"};
  constexpr std::array<std::string_view, 9> kFailures{
      "INTERNAL",         "UNAVAILABLE", "TIMEOUT", "CANCELLED",  "NO_MEMORY",
      "INVALID_ARGUMENT", "STALE",       "BUSY",    "UNSUPPORTED"};
  if (status >= 0 && status < static_cast<int32_t>(kAnswers.size())) {
    return "MXD_" + std::string(kAnswers[static_cast<size_t>(status)]);
  }
  if (status < 0 && status >= -static_cast<int32_t>(kFailures.size())) {
    return "MXD_" + std::string(kFailures[static_cast<size_t>(-status - 1)]);
  }
  return "the status " + std::to_string(status) + ", which module.h does not have";
}

}  // namespace mxd::check
