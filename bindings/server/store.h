// The open SQLite store, owned.
#pragma once

#include <chrono>
#include <string>

#include "matrix_devices/module.hpp"
#include "matrix_devices/sqlite.h"

namespace mxd::server {

class Store {
 public:
  struct Options {
    std::string path;
    std::string server_name;                             // empty: the file's
    std::chrono::milliseconds access_token_lifetime{0};  // 0: the store's default
  };

  // Throws Error with what the store says is wrong.
  explicit Store(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // T6, T11: how long what is unused is kept; 0: for good, as all is until this is called.
  void set_lifetimes(std::chrono::milliseconds refresh_tokens, std::chrono::milliseconds guests,
                     std::chrono::milliseconds devices) const;

  mxd_sqlite* get() const { return store_; }
  std::string server_name() const { return std::string(text(mxd_sqlite_server_name(store_))); }

 private:
  mxd_sqlite* store_ = nullptr;
};

}  // namespace mxd::server
