// What an engine answers, and what is the same for all of them. library.cc makes the table of
// store.h out of it.
#ifndef MXD_BINDINGS_STORE_COMMON_STORE_H
#define MXD_BINDINGS_STORE_COMMON_STORE_H

#include <absl/functional/function_ref.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bindings/store/common/clock.h"
#include "bindings/store/common/log.h"
#include "bindings/store/common/outcome.h"
#include "bindings/store/common/services.h"
#include "bindings/store/common/text.h"
#include "matrix_devices/store.h"

namespace mxd::store {

// The `done` of a caller, to be called once.
template <class Result>
class Done {
 public:
  using Call = void (*)(mxd_cookie, int32_t status, const Result*, mxd_view reason) MXD_NOEXCEPT;

  Done(Call call, mxd_cookie cookie) : call_(call), cookie_(cookie) {}

  void answer(const Result& result) const noexcept { call_(cookie_, MXD_OK, &result, view("")); }
  void refuse(int32_t status, std::string_view reason) const noexcept {
    call_(cookie_, status, nullptr, view(reason));
  }

 private:
  Call call_;
  mxd_cookie cookie_;
};

// The same of take_limit().
class LimitDone {
 public:
  using Call = void (*)(mxd_cookie, int32_t status, int64_t wait_ms, mxd_view reason) MXD_NOEXCEPT;

  LimitDone(Call call, mxd_cookie cookie) : call_(call), cookie_(cookie) {}

  void answer() const noexcept { call_(cookie_, MXD_OK, 0, view("")); }
  void exceeded(int64_t wait_ms) const noexcept {
    call_(cookie_, MXD_LIMIT_EXCEEDED, wait_ms, view(""));
  }
  void refuse(int32_t status, std::string_view reason) const noexcept {
    call_(cookie_, status, 0, view(reason));
  }

 private:
  Call call_;
  mxd_cookie cookie_;
};

}  // namespace mxd::store

// The handle. All functions are [any-thread], may throw, and do what the slot of their name in
// store.h promises; records are as known_part() gives them.
struct mxd_store {
  mxd_store(const mxd_store_options& options, std::string name)
      : server_name(std::move(name)),
        clock(options.now_ms, options.cookie),
        log(options.log, options.cookie) {}
  mxd_store(const mxd_store&) = delete;
  mxd_store& operator=(const mxd_store&) = delete;
  virtual ~mxd_store() = default;

  // What the caller is told of an exception.
  virtual int32_t status_of(const std::exception& error) const noexcept = 0;

  // Its callbacks, into a zeroed table; all but the cookie, log and now_ms.
  virtual void fill_callbacks(mxd_host& host) const = 0;

  virtual mxd::store::Outcome check() = 0;
  virtual uint64_t queued_writes() = 0;
  virtual void set_lifetimes(const mxd_store_lifetimes& lifetimes) = 0;
  virtual mxd::store::Outcome sweep(mxd_store_swept& swept) = 0;
  virtual mxd::store::Outcome backup(const mxd_store_backup& backup) = 0;

  // Registers the sender of a service.
  virtual mxd::store::Outcome prepare_service(const mxd::store::Service& service) = 0;

  // These two call `done` now or later, unless they throw.
  virtual void resolve_name(std::string_view name, mxd::store::Done<mxd_store_user> done) = 0;
  virtual void identify(const mxd_credentials& credentials,
                        mxd::store::Done<mxd_store_identity> done) = 0;

  // Calls `done` if it succeeds. Not of engines that share no limits.
  virtual mxd::store::Outcome take_limit(const mxd_limit_request&, mxd::store::LimitDone) {
    return {MXD_UNSUPPORTED, "this store shares no limits: count them in the process"};
  }

  virtual mxd::store::Outcome add_account(const mxd_store_new_account& account,
                                          std::string& user_id) = 0;
  virtual mxd::store::Outcome list_accounts(
      std::string_view after, absl::FunctionRef<int32_t(const mxd_store_account&)> visit) = 0;
  virtual mxd::store::Outcome find_account(
      std::string_view name, absl::FunctionRef<int32_t(const mxd_store_account&)> visit) = 0;
  virtual mxd::store::Outcome change_account(const mxd_store_account_change& change) = 0;
  virtual mxd::store::Outcome set_password(std::string_view name, std::string_view password,
                                           bool signs_out) = 0;
  virtual mxd::store::Outcome check_password(std::string_view name, std::string_view password,
                                             std::string& user_id) = 0;
  virtual mxd::store::Outcome list_devices(
      std::string_view name, std::string_view after,
      absl::FunctionRef<int32_t(const mxd_store_device&)> visit) = 0;
  virtual mxd::store::Outcome delete_devices(const mxd_store_devices& devices,
                                             mxd_store_affected& affected) = 0;
  virtual mxd::store::Outcome revoke_devices(const mxd_store_devices& devices,
                                             mxd_store_affected& affected) = 0;
  virtual mxd::store::Outcome revoke_token(std::string_view token,
                                           mxd_store_affected& affected) = 0;
  virtual mxd::store::Outcome login(const mxd_store_login& login, mxd_store_tokens& tokens) = 0;
  virtual mxd::store::Outcome refresh(std::string_view refresh_token, mxd_store_tokens& tokens) = 0;
  virtual mxd::store::Outcome logout(std::string_view access_token, bool all) = 0;

  int64_t now_ms() const noexcept { return clock.now_ms(); }

  // Gets the results of the callbacks. Not before fill_host().
  const mxd_module& module() const noexcept { return *filled_for.load(std::memory_order_acquire); }

  const std::string server_name;
  const mxd::store::WallClock clock;
  const mxd::store::Log log;
  mxd::store::Services services;
  std::atomic<const mxd_module*> filled_for{nullptr};
};

namespace mxd::store {

// The engine's own: its name.
extern const char kEngine[];

// The engine's own: opens the store of options.url. `options` is as known_part() gives it.
Outcome open_store(const mxd_store_options& options, std::unique_ptr<mxd_store>& out);

// The engine's own: looks at it without opening it as a store. Throws std::bad_alloc only.
Outcome examine_store(const mxd_store_options& options,
                      absl::FunctionRef<int32_t(const mxd_store_finding&)> visit);

// What `ask` answers, an exception being one of the answers: nothing is thrown across the C ABI.
template <class Ask>
int32_t guarded(const mxd_store& store, const char* doing, Ask&& ask) noexcept {
  try {
    return ask();
  } catch (const std::exception& error) {
    store.log.failure(doing, error.what());
    return store.status_of(error);
  }
}

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_STORE_H
