// The table of store.h over whatever engine is linked.
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

#include "bindings/store/common/account_functions.h"
#include "bindings/store/common/call.h"
#include "bindings/store/common/moving.h"

namespace mxd::store {
namespace {

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

int32_t examine(const mxd_store_options* given,
                int32_t (*visit)(mxd_cookie, const mxd_store_finding*) noexcept, mxd_cookie cookie,
                char* error, size_t error_size) noexcept {
  const ErrorText text{error, error_size};
  try {
    Outcome outcome = check_size(*given, MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options");
    if (!succeeded(outcome.status)) return text.report(outcome);
    return text.report(examine_store(known_part(*given), [&](const mxd_store_finding& finding) {
      return visit(cookie, &finding);
    }));
  } catch (const std::bad_alloc&) {
    return text.report({MXD_NO_MEMORY, {}});
  }
}

int32_t export_records(const mxd_store_options* given, const mxd_store_export* given_to,
                       char* error, size_t error_size) noexcept {
  const ErrorText text{error, error_size};
  try {
    Outcome outcome = check_size(*given, MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options");
    if (!succeeded(outcome.status)) return text.report(outcome);
    outcome = check_size(*given_to, MXD_STORE_EXPORT_SIZE_1_0, "mxd_store_export");
    if (!succeeded(outcome.status)) return text.report(outcome);
    const mxd_store_export to = known_part(*given_to);
    Exporter exporter([&](mxd_view record) { return to.take(to.cookie, record); });
    return text.report(export_store(known_part(*given), exporter));
  } catch (const std::bad_alloc&) {
    return text.report({MXD_NO_MEMORY, {}});
  }
}

int32_t import_records(const mxd_store_options* given, const mxd_store_import* given_from,
                       char* error, size_t error_size) noexcept {
  const ErrorText text{error, error_size};
  try {
    Outcome outcome = check_size(*given, MXD_STORE_OPTIONS_SIZE_1_0, "mxd_store_options");
    if (!succeeded(outcome.status)) return text.report(outcome);
    outcome = check_size(*given_from, MXD_STORE_IMPORT_SIZE_1_0, "mxd_store_import");
    if (!succeeded(outcome.status)) return text.report(outcome);
    if (sodium_init() < 0) return text.report({MXD_UNAVAILABLE, "the system gives no randomness"});
    const mxd_store_options options = known_part(*given);
    std::unique_ptr<Importer> importer;
    outcome = begin_import(options, importer);
    if (!succeeded(outcome.status)) return text.report(outcome);
    return text.report(
        run_import(*importer, known_part(*given_from), store::text(options.server_name)));
  } catch (const std::bad_alloc&) {
    return text.report({MXD_NO_MEMORY, {}});
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

int32_t sweep(mxd_store* store, mxd_store_swept* given, char* error, size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_SWEPT_SIZE_1_0, "mxd_store_swept",
                  [&](mxd_store_swept swept) {
                    Outcome outcome = store->sweep(swept);
                    if (succeeded(outcome.status)) give_record(swept, *given);
                    return outcome;
                  });
}

int32_t backup(mxd_store* store, const mxd_store_backup* given, char* error,
               size_t error_size) noexcept {
  return reported(store, {error, error_size}, given, MXD_STORE_BACKUP_SIZE_1_0, "mxd_store_backup",
                  [&](const mxd_store_backup& backup) { return store->backup(backup); });
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
  const Service* const service = store->services.find_token(digest_of(text(as_token)));
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

int32_t take_limit(mxd_store* store, const mxd_limit_request* given, LimitDone::Call done,
                   mxd_cookie cookie) noexcept {
  return reported(store, {nullptr, 0}, given, MXD_LIMIT_REQUEST_SIZE_1_0, "mxd_limit_request",
                  [&](const mxd_limit_request& limits) {
                    return store->take_limit(limits, {done, cookie});
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
    kEngine,
    open,
    examine,
    export_records,
    import_records,
    close,
    fill_host,
    set_lifetimes,
    sweep,
    backup,
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
    find_account,
    change_account,
    set_password,
    check_password,
    list_devices,
    delete_devices,
    revoke_devices,
    revoke_token,
    login,
    refresh,
    logout,
    take_limit,
    get_extension,
};

}  // namespace
}  // namespace mxd::store

extern "C" __attribute__((visibility("default"))) const mxd_store_library*
matrix_devices_store_v1() noexcept {
  return &mxd::store::kLibrary;
}
