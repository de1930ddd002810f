// Lines for the host's log. They never hold a token, a password or a session ID.
#ifndef MXD_BINDINGS_SQLITE_LOG_H
#define MXD_BINDINGS_SQLITE_LOG_H

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "bindings/sqlite/text.h"
#include "matrix_devices/module.h"

namespace mxd::sqlite {

class Log {
 public:
  using Sink = void (*)(mxd_cookie, int32_t level, mxd_view message) MXD_NOEXCEPT;

  Log(Sink sink, mxd_cookie cookie) : sink_(sink), cookie_(cookie) {}

  void line(int32_t level, std::string_view message) const noexcept {
    if (sink_ != nullptr) sink_(cookie_, level, view(message));
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

}  // namespace mxd::sqlite

#endif  // MXD_BINDINGS_SQLITE_LOG_H
