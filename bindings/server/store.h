// The open store, owned, and the library that it is of. What is asked of it stands in store.h.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/server/settings.h"
#include "matrix_devices/module.hpp"
#include "matrix_devices/store.h"

namespace mxd::server {

// A bucket that the store counts for all servers on its database.
struct SharedBucket {
  std::string name;  // of the limit
  std::string key;   // who is limited
  LimitSetting limit;
};

class Store {
 public:
  struct Options {
    std::string url;                                     // or a file name, or key words of libpq
    std::string library;                                 // empty: the one that goes with the URL
    std::string server_name;                             // empty: the database's
    std::chrono::milliseconds access_token_lifetime{0};  // 0: the store's default
    uint32_t connections = 0;                            // 0: as the store does best
    bool prepared_statements = true;
  };

  // What a function said.
  struct Said {
    int32_t status = MXD_INTERNAL;
    std::array<char, 256> text{};  // what to do next; empty on success
  };

  // Throws Error with what the library says is wrong, or why there is none.
  explicit Store(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Looks whether a database is whole, as it is: store.h says what `visit` gets. Throws Error.
  static void examine(const Options& options,
                      int32_t (*visit)(mxd_cookie, const mxd_store_finding*) noexcept,
                      mxd_cookie cookie);

  // Records of a database that is not open, out of one and into another; store.h says what is
  // taken and given. Throws Error: no library can be loaded for it.
  static Said export_records(const Options& options, mxd_store_take_record take, mxd_cookie cookie);
  static Said import_records(const Options& options, decltype(mxd_store_import::give) give,
                             mxd_cookie cookie);

  // T6, T11: how long what is unused is kept; 0: for good, as all is until this is called.
  void set_lifetimes(std::chrono::milliseconds refresh_tokens, std::chrono::milliseconds guests,
                     std::chrono::milliseconds devices) const;

  std::string server_name() const { return std::string(text(library_->server_name(store_))); }
  uint64_t queued_writes() const { return library_->queued_writes(store_); }

  // A table for the module, with the store's callbacks. Throws Error.
  mxd_host host_for(const Module& module) const;

  // The ID of the service of this as_token, which lives as long as the store; empty if there is
  // none.
  std::string_view find_service(std::string_view as_token) const;

  // Calls a function of the table that blocks: store.call(&mxd_store_library::login, &login, &out).
  template <class Function, class... Arguments>
  Said call(Function mxd_store_library::*function, Arguments... arguments) const {
    Said said;
    said.status = (library_->*function)(store_, arguments..., said.text.data(), said.text.size());
    return said;
  }

  // These ask without waiting, and call `then(status, result, reason)` once, which throws nothing:
  // perhaps before they return, perhaps on a thread of the store's. The result is null unless the
  // status is OK. Throw std::bad_alloc, and then `then` is not called.
  template <class Then>
  void resolve_name(std::string_view name, Then then) const {
    auto record = make<mxd_store_name>();
    record.name = view(name);
    ask<mxd_store_user>(library_->resolve_name, record, std::move(then));
  }
  template <class Then>
  void identify(const mxd_credentials& credentials, Then then) const {
    ask<mxd_store_identity>(library_->identify, credentials, std::move(then));
  }

  // A unit of each of these (four at most), or of none; and blocks.
  struct Taken {
    int32_t status = MXD_OK;            // UNSUPPORTED: the store counts nothing
    std::chrono::milliseconds wait{0};  // of LIMIT_EXCEEDED
  };
  Taken take_limits(const std::vector<SharedBucket>& buckets) const;
  // Does not wait for it. Where that fails, they come back with time.
  void give_limits_back(const std::vector<SharedBucket>& buckets) const noexcept;

 private:
  template <class Result, class Function, class Record, class Then>
  void ask(Function function, const Record& record, Then then) const {
    static_assert(noexcept(then(int32_t{}, static_cast<const Result*>(nullptr), "")));
    auto kept = std::make_unique<Then>(std::move(then));
    const auto done = [](mxd_cookie cookie, int32_t status, const Result* result,
                         mxd_view reason) noexcept {
      const std::unique_ptr<Then> asked(reinterpret_cast<Then*>(cookie));
      (*asked)(status, result, text(reason));
    };
    const int32_t status =
        function(store_, &record, done, reinterpret_cast<mxd_cookie>(kept.get()));
    if (status == MXD_OK) {
      static_cast<void>(kept.release());  // done's
    } else {
      (*kept)(status, nullptr, "the store could not be asked");
    }
  }

  const mxd_store_library* library_;
  mxd_store* store_ = nullptr;
};

}  // namespace mxd::server
