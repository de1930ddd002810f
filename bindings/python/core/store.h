// libmatrix_devices_sqlite.so: the functions of matrix_devices/sqlite.h, found with dlsym(), and
// one open store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "log_queue.h"
#include "matrix_devices/module.hpp"
#include "matrix_devices/sqlite.h"

namespace mxd::python {

// The exported functions, under their names without `mxd_sqlite_`.
struct StoreFunctions {
  decltype(&mxd_sqlite_open) open;
  decltype(&mxd_sqlite_close) close;
  decltype(&mxd_sqlite_fill_host) fill_host;
  decltype(&mxd_sqlite_set_lifetimes) set_lifetimes;
  decltype(&mxd_sqlite_server_name) server_name;
  decltype(&mxd_sqlite_add_service) add_service;
  decltype(&mxd_sqlite_find_service) find_service;
  decltype(&mxd_sqlite_resolve_name) resolve_name;
  decltype(&mxd_sqlite_add_account) add_account;
  decltype(&mxd_sqlite_set_account_flags) set_account_flags;
  decltype(&mxd_sqlite_set_password) set_password;
  decltype(&mxd_sqlite_check_password) check_password;
  decltype(&mxd_sqlite_login_device) login_device;
  decltype(&mxd_sqlite_refresh) refresh;
  decltype(&mxd_sqlite_identify) identify;
  decltype(&mxd_sqlite_logout) logout;

  // Throws mxd::Error: not a library, or not that one.
  static StoreFunctions load(const std::string& path);
};

class Store {
 public:
  // Throws mxd::Error with what the store says.
  Store(const std::string& library, std::string_view path, std::string_view server_name,
        int64_t access_token_ms);
  ~Store();  // waits for what is queued
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const StoreFunctions& functions() const noexcept { return functions_; }
  mxd_sqlite* handle() const noexcept { return store_; }

  // Its lines and those of the modules that it answers.
  const std::shared_ptr<LogQueue>& log() const noexcept { return log_; }

  // What the store's clock is ahead of the system's. [any-thread]
  void set_clock_offset(int64_t offset_ms) noexcept { clock_offset_ms_.store(offset_ms); }
  int64_t now_ms() const noexcept;

  void fill_host(const mxd_module& module, mxd_host& host) const noexcept;

  // mxd_host::log of a table whose cookie is a store.
  static void log_of_host(mxd_cookie store, mxd_cookie request, int32_t level,
                          mxd_view message) noexcept;

 private:
  const StoreFunctions functions_;
  const std::shared_ptr<LogQueue> log_;
  std::atomic<int64_t> clock_offset_ms_ = 0;
  mxd_sqlite* store_ = nullptr;
};

}  // namespace mxd::python
