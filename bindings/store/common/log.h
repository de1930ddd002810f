// Lines for the host's log. They never hold a token, a password or a session ID.
#ifndef MXD_BINDINGS_STORE_COMMON_LOG_H
#define MXD_BINDINGS_STORE_COMMON_LOG_H

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "bindings/store/common/text.h"
#include "matrix_devices/module.h"

namespace mxd::store {

class Log {
 public:
  using Sink = void (*)(mxd_cookie, mxd_cookie request, int32_t level,
                        mxd_view message) MXD_NOEXCEPT;

  Log(Sink sink, mxd_cookie cookie) : sink_(sink), cookie_(cookie) {}

  bool is_wanted() const noexcept { return sink_ != nullptr; }

  void line(int32_t level, std::string_view message, mxd_cookie request = 0) const noexcept {
    if (sink_ != nullptr) sink_(cookie_, request, level, view(message));
  }

  // "<doing>: <what>". `doing` is a constant.
  void failure(const char* doing, const char* what) const noexcept {
    char message[256];
    std::snprintf(message, sizeof message, "%s: %s", doing, what);
    line(MXD_LOG_ERROR, message);
  }

 private:
  Sink sink_;
  mxd_cookie cookie_;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_LOG_H
