#include "bindings/server/store.h"

#include "bindings/server/operation/json_log.h"

namespace mxd::server {
namespace {

void log_from_store(mxd_cookie, int32_t level, mxd_view message) noexcept try {
  log_message(level, text(message));
} catch (const std::exception&) {  // no memory for a line of log: it is lost
}

}  // namespace

Store::Store(const Options& options) {
  mxd_sqlite_options with{};
  with.size = sizeof with;
  with.path = view(options.path);
  with.server_name = view(options.server_name);
  with.access_token_ms = options.access_token_lifetime.count();
  with.log = &log_from_store;
  mxd_sqlite_error error{};
  const int32_t status = mxd_sqlite_open(&with, &store_, &error);
  if (status != MXD_OK) {
    throw Error(status, "database " + options.path + ": " + error.text);
  }
}

Store::~Store() {
  mxd_sqlite_close(store_);
}

void Store::set_lifetimes(std::chrono::milliseconds refresh_tokens,
                          std::chrono::milliseconds guests,
                          std::chrono::milliseconds devices) const {
  mxd_sqlite_lifetimes lifetimes{};
  lifetimes.size = sizeof lifetimes;
  lifetimes.refresh_token_ms = refresh_tokens.count();
  lifetimes.guest_ms = guests.count();
  lifetimes.device_ms = devices.count();
  mxd_sqlite_set_lifetimes(store_, &lifetimes);
}

}  // namespace mxd::server
