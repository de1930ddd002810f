// A store: a library of matrix_devices/store.h, loaded, and one that it has opened.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bindings/python/core/log_queue.h"
#include "matrix_devices/module.hpp"
#include "matrix_devices/store.h"

namespace mxd::python {

// Loaded for good, as the module.
class StoreLibrary {
 public:
  // Throws mxd::Error: not a library, not a store, or one that demands what is not known here.
  explicit StoreLibrary(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  const mxd_store_library* operator->() const noexcept { return table_; }

 private:
  std::string path_;
  const mxd_store_library* table_;
};

class Store {
 public:
  // Opens it, which may take its time, without the GIL. Throws mxd::Error with what it says.
  Store(const StoreLibrary& library, std::string_view url, std::string_view server_name,
        int64_t access_token_ms, uint32_t connections, bool prepared_statements);
  ~Store();  // waits for what is queued
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const StoreLibrary& library() const noexcept { return library_; }
  mxd_store* handle() const noexcept { return store_; }

  // Its lines and those of the module that it answers.
  const std::shared_ptr<LogQueue>& log() const noexcept { return log_; }

  // What the store's clock is ahead of the system's. [any-thread]
  void set_clock_offset(int64_t offset_ms) noexcept { clock_offset_ms_.store(offset_ms); }
  int64_t now_ms() const noexcept;

  // All of the table but respond(). Throws mxd::Error.
  void fill_host(const mxd_module& module, mxd_host& host) const;

 private:
  struct Callbacks;

  const StoreLibrary library_;
  const std::shared_ptr<LogQueue> log_;
  std::atomic<int64_t> clock_offset_ms_ = 0;
  mxd_store* store_ = nullptr;
};

// The one line of text that a function of the store gives for its failure.
struct StoreError {
  char text[512] = "";
};

}  // namespace mxd::python
