// The table of store.h over whatever engine is linked: records in, statuses and texts out, and no
// exception.
#include <sodium.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "bindings/store/common/record.h"
#include "bindings/store/common/store.h"

namespace mxd::store {
namespace {

// Where a caller wants to read what went wrong.
struct ErrorText {
  char* text;
  size_t size;

  int32_t report(const Outcome& outcome) const noexcept {
    if (text != nullptr) copy_terminated(text, size, outcome.text);
    return outcome.status;
  }
};

// Runs what gives an Outcome: that, or what it threw.
template <class Call>
int32_t reported(const mxd_store* store, ErrorText error, Call&& call) noexcept {
  bool is_reported = false;
  const int32_t status = guarded(*store, "a function of the store", [&] {
    const int32_t called = error.report(call());
    is_reported = true;
    return called;
  });
  if (!is_reported && error.text != nullptr) {
    copy_terminated(error.text, error.size, "the database failed: see the log, and try again");
  }
  return status;
}

// The same with a record: refused, or as this library knows it.
template <class Record, class Call>
int32_t reported(const mxd_store* store, ErrorText error, const Record* given, size_t size_1_0,
                 const char* name, Call&& call) noexcept {
  return reported(store, error, [&]() -> Outcome {
    Outcome outcome = check_size(*given, size_1_0, name);
    return succeeded(outcome.status) ? call(known_part(*given)) : outcome;
  });
}

Outcome check_user(const mxd_store_user* user) {
  if (user == nullptr) return {};
  return check_size(*user, MXD_STORE_USER_SIZE_1_0, "mxd_store_user");
}

void give_user(const std::string& user_id, mxd_store_user* to) {
  if (to == nullptr) return;
  mxd_store_user user{};
  copy_terminated(user.user_id, user_id);
  give_record(user, *to);
}

// Runs a function that fills tokens, of which no copy is left behind.
template <class Call>
Outcome with_tokens(mxd_store_tokens* to, Call&& call) {
  Outcome outcome = check_size(*to, MXD_STORE_TOKENS_SIZE_1_0, "mxd_store_tokens");
  if (!succeeded(outcome.status)) return outcome;
  mxd_store_tokens tokens{};
  outcome = call(tokens);
  if (succeeded(outcome.status)) give_record(tokens, *to);
  sodium_memzero(&tokens, sizeof tokens);
  return outcome;
}

int32_t open(const mxd_store_options* given, mxd_store** out, char* error,
             size_t error_size) noexcept {
  *out = nullptr;
  const ErrorText text{error, error_size};
  try {
    Outcome outcome = check_size(*given, MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options");
    if (!succeeded(outcome.status)) return text.report(outcome);
    const mxd_store_options options = known_part(*given);
    if (options.access_token_ms < 0) {
      return text.report(
          {MXD_INVALID_ARGUMENT, "the lifetime of access tokens is negative: give 0 or more"});
    }
    if (sodium_init() < 0) return text.report({MXD_UNAVAILABLE, "the system gives no randomness"});
    std::unique_ptr<mxd_store> opened;
    outcome = open_store(options, opened);
    *out = opened.release();
    return text.report(outcome);
  } catch (const std::bad_alloc&) {
    return text.report({MXD_NO_MEMORY, {}});
  } catch (const std::system_error&) {
    return text.report({MXD_UNAVAILABLE, "no thread can be started: raise the limit"});
  }
}

void close(mxd_store* store) noexcept {
  delete store;
}

mxd_store& store_of(mxd_cookie host) {
  return *reinterpret_cast<mxd_store*>(host);
}

Outcome check_module(mxd_store& store, const mxd_module& module) {
  Outcome outcome = check_size(module, MXD_MODULE_SIZE_1_0, "mxd_module");
  if (!succeeded(outcome.status)) return outcome;
  const mxd_module* before = nullptr;
  if (!store.filled_for.compare_exchange_strong(before, &module) && before != &module) {
    return {MXD_BUSY, "the store answers another module already: open it again for this one"};
  }
  return {};
}

int32_t fill_host(mxd_store* store, const mxd_module* module, mxd_host* host, char* error,
                  size_t error_size) noexcept {
  return reported(store, {error, error_size}, host, MXD_HOST_SIZE_1_0, "mxd_host",
                  [&](mxd_host filled) -> Outcome {
                    Outcome outcome = check_module(*store, *module);
                    if (!succeeded(outcome.status)) return outcome;
                    filled.abi_minor = std::min<uint32_t>(filled.abi_minor, MXD_ABI_MINOR);
                    filled.cookie = reinterpret_cast<mxd_cookie>(store);
                    store->fill_callbacks(filled);
                    if (store->clock.is_given()) {
                      filled.now_ms = [](mxd_cookie cookie) noexcept {
                        return store_of(cookie).now_ms();
                      };
                    }
                    if (store->log.is_wanted()) {
                      filled.log = [](mxd_cookie cookie, mxd_cookie request, int32_t level,
                                      mxd_view message) noexcept {
                        store_of(cookie).log.line(level, text(message), request);
                      };
                    }
                    // The caller's table may be larger: what this library does not know stays zero
                    // there.
                    std::memcpy(host, &filled, std::min<size_t>(host->size, sizeof filled));
                    return {};
                  });
}

int32_t set_lifetimes(mxd_store* store, const mxd_store_lifetimes* given, char* error,
                      size_t error_size) noexcept {
  return reported(
      store, {error, error_size}, given, MXD_STORE_LIFETIMES_SIZE_1_0, "mxd_store_lifetimes",
      [&](const mxd_store_lifetimes& lifetimes) -> Outcome {
        if (std::min({lifetimes.refresh_token_ms, lifetimes.guest_ms, lifetimes.device_ms}) < 0) {
          return {MXD_INVALID_ARGUMENT, "a lifetime is negative: give 0, for good, or more"};
        }
        store->set_lifetimes(lifetimes);
        return {};
      });
}

int32_t check(mxd_store* store, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, [&] { return store->check(); });
}

uint64_t queued_writes(mxd_store* store) noexcept {
  return store->queued_writes();
}

mxd_view server_name(mxd_store* store) noexcept {
  return view(store->server_name);
}

int32_t add_service(mxd_store* store, const mxd_store_service* given, char* error,
                    size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_SERVICE_SIZE_1_0,
                  "mxd_store_service", [&](const mxd_store_service& service) {
                    return store->services.add(
                        service, store->server_name,
                        [&](const Service& made) { return store->prepare_service(made); });
                  });
}

int32_t set_services(mxd_store* store, const mxd_store_service* const* given, size_t count,
                     char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, [&]() -> Outcome {
    std::vector<mxd_store_service> services;
    services.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      Outcome outcome = check_size(*given[i], MXD_STORE_SERVICE_SIZE_1_0, "mxd_store_service");
      if (!succeeded(outcome.status)) return outcome;
      services.push_back(known_part(*given[i]));
    }
    return store->services.replace(services, store->server_name, [&](const Service& made) {
      return store->prepare_service(made);
    });
  });
}

int32_t find_service(mxd_store* store, mxd_view as_token, mxd_view* id) noexcept {
  const Service* const service = store->services.find_token(text(as_token));
  if (service == nullptr) return MXD_NOT_FOUND;
  *id = view(service->id);
  return MXD_OK;
}

int32_t resolve_name(mxd_store* store, const mxd_store_name* given, Done<mxd_store_user>::Call done,
                     mxd_cookie cookie) noexcept {
  return reported(store, {nullptr, 0}, given, MXD_STORE_NAME_SIZE_1_0, "mxd_store_name",
                  [&](const mxd_store_name& name) -> Outcome {
                    store->resolve_name(text(name.name), {done, cookie});
                    return {};
                  });
}

int32_t identify(mxd_store* store, const mxd_credentials* given,
                 Done<mxd_store_identity>::Call done, mxd_cookie cookie) noexcept {
  return reported(store, {nullptr, 0}, given, MXD_CREDENTIALS_SIZE_1_0, "mxd_credentials",
                  [&](const mxd_credentials& credentials) -> Outcome {
                    store->identify(credentials, {done, cookie});
                    return {};
                  });
}

int32_t add_account(mxd_store* store, const mxd_store_new_account* given, mxd_store_user* user,
                    char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_NEW_ACCOUNT_SIZE_1_0,
                  "mxd_store_new_account", [&](const mxd_store_new_account& account) -> Outcome {
                    Outcome outcome = check_user(user);
                    if (!succeeded(outcome.status)) return outcome;
                    std::string user_id;
                    outcome = store->add_account(account, user_id);
                    if (succeeded(outcome.status)) give_user(user_id, user);
                    return outcome;
                  });
}

int32_t list_accounts(mxd_store* store, const mxd_store_account_query* given,
                      int32_t (*visit)(mxd_cookie, const mxd_store_account*) noexcept,
                      mxd_cookie cookie, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_ACCOUNT_QUERY_SIZE_1_0,
                  "mxd_store_account_query", [&](const mxd_store_account_query& query) -> Outcome {
                    return {store->list_accounts(text(query.after),
                                                 [&](const mxd_store_account& account) {
                                                   return visit(cookie, &account);
                                                 }),
                            {}};
                  });
}

int32_t change_account(mxd_store* store, const mxd_store_account_change* given, char* error,
                       size_t error_size) noexcept {
  return reported(
      store, {error, error_size}, given, MXD_STORE_ACCOUNT_CHANGE_SIZE_1_0,
      "mxd_store_account_change", [&](const mxd_store_account_change& change) -> Outcome {
        constexpr uint32_t kClearable = MXD_STORE_ACCOUNT_LOCKED | MXD_STORE_ACCOUNT_SUSPENDED;
        constexpr uint32_t kSettable = kClearable | MXD_STORE_ACCOUNT_DEACTIVATED;
        if ((change.clear & MXD_STORE_ACCOUNT_DEACTIVATED) != 0) {
          return {MXD_INVALID_ARGUMENT, "a deactivated account stays so: add another one"};
        }
        if ((change.set & ~kSettable) != 0 || (change.clear & ~kClearable) != 0 ||
            (change.set & change.clear) != 0) {
          return {MXD_INVALID_ARGUMENT,
                  "only LOCKED, SUSPENDED and DEACTIVATED are set or cleared, and none is both"};
        }
        return store->change_account(change);
      });
}

int32_t set_password(mxd_store* store, const mxd_store_password* given, char* error,
                     size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_PASSWORD_SIZE_1_0,
                  "mxd_store_password", [&](const mxd_store_password& password) {
                    return store->set_password(text(password.name), text(password.password));
                  });
}

int32_t check_password(mxd_store* store, const mxd_store_password* given, mxd_store_user* user,
                       char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_PASSWORD_SIZE_1_0,
                  "mxd_store_password", [&](const mxd_store_password& password) -> Outcome {
                    Outcome outcome = check_user(user);
                    if (!succeeded(outcome.status)) return outcome;
                    std::string user_id;
                    outcome = store->check_password(text(password.name), text(password.password),
                                                    user_id);
                    if (succeeded(outcome.status)) give_user(user_id, user);
                    return outcome;
                  });
}

int32_t login(mxd_store* store, const mxd_store_login* given, mxd_store_tokens* tokens, char* error,
              size_t error_size) noexcept {
  return reported(
      store, {error, error_size}, given, MXD_STORE_LOGIN_SIZE_1_0, "mxd_store_login",
      [&](const mxd_store_login& login) -> Outcome {
        if (login.max_devices < 0) {
          return {MXD_INVALID_ARGUMENT, "max_devices is negative: give 0, for no cap, or more"};
        }
        return with_tokens(tokens, [&](mxd_store_tokens& out) { return store->login(login, out); });
      });
}

int32_t refresh(mxd_store* store, const mxd_store_refresh* given, mxd_store_tokens* tokens,
                char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_REFRESH_SIZE_1_0,
                  "mxd_store_refresh", [&](const mxd_store_refresh& refresh) {
                    return with_tokens(tokens, [&](mxd_store_tokens& out) {
                      return store->refresh(text(refresh.refresh_token), out);
                    });
                  });
}

int32_t logout(mxd_store* store, const mxd_store_logout* given, char* error,
               size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_LOGOUT_SIZE_1_0, "mxd_store_logout",
                  [&](const mxd_store_logout& logout) {
                    return store->logout(text(logout.access_token),
                                         (logout.flags & MXD_STORE_LOGOUT_ALL) != 0);
                  });
}

const void* get_extension(const char*) noexcept {
  return nullptr;
}

constexpr mxd_store_library kLibrary = {
    sizeof(mxd_store_library),
    MXD_STORE_ABI_MINOR,
    0,
    MXD_STORE_PRODUCT_VERSION,
    open,
    close,
    fill_host,
    set_lifetimes,
    check,
    queued_writes,
    server_name,
    add_service,
    set_services,
    find_service,
    resolve_name,
    identify,
    add_account,
    list_accounts,
    change_account,
    set_password,
    check_password,
    login,
    refresh,
    logout,
    get_extension,
};

}  // namespace
}  // namespace mxd::store

extern "C" __attribute__((visibility("default"))) const mxd_store_library*
matrix_devices_store_v1() noexcept {
  return &mxd::store::kLibrary;
}
