// SPDX-License-Identifier: Apache-2.0
//
// matrix_devices/module.hpp: the module from C++20. Load it, make an instance, hand it requests.
//
//   mxd::Module module = mxd::Module::load("libmatrix_devices.so");
//   auto host = mxd::make<mxd_host>();           // then the callbacks, see module.h
//   mxd::Instance instance(module, host, "{}");
//   instance.handle(request);                    // MXD_OK: one respond() comes
//   instance.shutdown([&] { loop.stop(); });     // the last request has been answered
//
// What fails while starting throws mxd::Error; its text is one line that says what to mend. What
// happens to a request is a status code of module.h, never an exception.
#pragma once

#include <dlfcn.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "matrix_devices/module.h"

namespace mxd {

// A view of text that lives elsewhere. An empty view has no pointer.
inline mxd_view view(std::string_view text) noexcept {
  return {text.empty() ? nullptr : text.data(), text.size()};
}

inline std::string_view text(mxd_view view) noexcept {
  return view.size == 0 ? std::string_view() : std::string_view(view.data, view.size);
}

// A growable record as the writer has to begin it: zeroed, with the size of this header; a host's
// table also with its minor.
template <class Record>
Record make() noexcept {
  Record record{};
  record.size = sizeof(Record);
  if constexpr (std::is_same_v<Record, mxd_host>) record.abi_minor = MXD_ABI_MINOR;
  return record;
}

class Error : public std::runtime_error {
 public:
  Error(int32_t status, const std::string& text) : std::runtime_error(text), status_(status) {}

  int32_t status() const noexcept { return status_; }

 private:
  int32_t status_;
};

// The loaded library. Copies are cheap: the library stays loaded as long as the process, because
// other threads may be inside it, and because it asks for that itself (nodelete).
class Module {
 public:
  // Open the library at `path`, with its symbols kept to itself, and check that it speaks version 1
  // of the contract. Throws Error: INVALID_ARGUMENT (not a library, not the module, cut short),
  // UNSUPPORTED (it demands what this header does not know).
  static Module load(const std::string& path);

  explicit Module(const mxd_module& table) noexcept : table_(&table) {}

  // Ask MXD_HAS(&table(), slot) before using a slot that is marked `since 1.N`.
  const mxd_module& table() const noexcept { return *table_; }
  const mxd_module* operator->() const noexcept { return table_; }

 private:
  const mxd_module* table_;
};

// One instance. The host's cookie and callbacks must outlive it. Not for two threads at once, but
// for what is [any-thread].
class Instance {
 public:
  // `config` is a JSON object, or empty. Throws Error with what the module says is wrong.
  Instance(const Module& module, const mxd_host& host, std::string_view config)
      : table_(&module.table()), state_(std::make_shared<State>()) {
    std::array<char, 512> error{};
    const int32_t status =
        table_->create(&host, view(config), &instance_, error.data(), error.size());
    if (status != MXD_OK) {
      throw Error(status, error[0] != '\0' ? std::string(error.data())
                                           : "the module made no instance and gave no reason");
    }
  }

  Instance(Instance&& other) noexcept
      : table_(other.table_),
        instance_(std::exchange(other.instance_, nullptr)),
        state_(std::move(other.state_)) {}
  Instance& operator=(Instance&&) = delete;

  // Prefer shutdown(), and destroy() once it is done. A destructor has no other way than to wait:
  // it shuts down and blocks until the last request is answered. So it must not run on the thread
  // that has to answer, nor inside a callback.
  ~Instance() {
    if (instance_ == nullptr || destroy() == MXD_OK) return;
    shutdown({});
    {
      std::unique_lock lock(state_->mutex);
      state_->changed.wait(lock, [this] { return state_->done; });
    }
    destroy();
  }

  // MXD_OK: one respond() comes, perhaps before this returns. Anything else: none will.
  // `token`, for cancel(), is written before anything is asked. [any-thread]
  int32_t handle(const mxd_request& request, mxd_request_token* token = nullptr) noexcept {
    return table_->handle(instance_, &request, token);
  }

  // Nobody waits for this answer any more. [any-thread]
  int32_t cancel(mxd_request_token request) noexcept { return table_->cancel(request); }

  uint64_t max_body_bytes() const noexcept { return table_->max_body_bytes(instance_); }

  // Whether handle() would take a request with this method and target, as they came off the wire.
  // [any-thread]
  bool match(std::string_view method, std::string_view target) const noexcept {
    return table_->match(instance_, view(method), view(target)) == MXD_OK;
  }

  // The routes, from index 0; NOT_FOUND after the last. The views live as long as the instance.
  // [any-thread]
  int32_t route(uint32_t index, mxd_route& out) const noexcept {
    out = make<mxd_route>();
    return table_->route(instance_, index, &out);
  }

  // Refuse new requests; call `done` once, when nothing is in flight: perhaps before this returns,
  // on whichever thread answered last. BUSY if called before; `done` is then dropped.
  int32_t shutdown(std::function<void()> done) {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->asked) return MXD_BUSY;
      state_->asked = true;
      state_->then = std::move(done);
      state_->self = state_;  // the module's cookie: it may finish after this object is gone
    }
    return table_->shutdown(instance_, &Instance::finished,
                            reinterpret_cast<mxd_cookie>(state_.get()));
  }

  // BUSY while requests are in flight. After OK only the destructor may follow.
  int32_t destroy() noexcept {
    if (instance_ == nullptr) return MXD_OK;
    const int32_t status = table_->destroy(instance_);
    if (status == MXD_OK) instance_ = nullptr;
    return status;
  }

  // For a process that is going away: see module.h.
  void abandon() noexcept {
    if (instance_ == nullptr) return;
    table_->abandon(instance_);
    table_->destroy(instance_);
    instance_ = nullptr;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void()> then;
    std::shared_ptr<State> self;
    bool asked = false;
    bool done = false;
  };

  static void finished(mxd_cookie cookie) noexcept {
    std::shared_ptr<State> state;
    std::function<void()> then;
    {
      auto* const raw = reinterpret_cast<State*>(cookie);
      const std::lock_guard lock(raw->mutex);
      state = std::move(raw->self);
      then = std::move(raw->then);
    }
    if (then) then();
    const std::lock_guard lock(state->mutex);
    state->done = true;
    state->changed.notify_all();
  }

  const mxd_module* table_;
  mxd_instance* instance_ = nullptr;
  std::shared_ptr<State> state_;
};

inline Module Module::load(const std::string& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    throw Error(MXD_INVALID_ARGUMENT, "cannot load the module: " +
                                          std::string(reason != nullptr ? reason : path.c_str()));
  }
  // POSIX promises that a function's address fits in what dlsym() returns.
  const auto entry = reinterpret_cast<mxd_entry_v1>(::dlsym(library, MXD_ENTRY_V1));
  if (entry == nullptr) {
    throw Error(MXD_INVALID_ARGUMENT, path + " does not export " MXD_ENTRY_V1
                                             ": it is no matrix_devices module of version 1");
  }
  const mxd_module* const table = entry();
  if (table == nullptr || table->size < MXD_MODULE_SIZE_1_0) {
    throw Error(MXD_INVALID_ARGUMENT,
                path + " returns a shorter table than version 1.0 has: build it again");
  }
  if ((table->caps >> MXD_CAP_MUST_UNDERSTAND_FROM) != 0) {
    throw Error(MXD_UNSUPPORTED,
                path + " demands a capability that this host does not know: use a newer host");
  }
  return Module(*table);
}

}  // namespace mxd
