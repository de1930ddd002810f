// The functions of sqlite.h: arguments in, statuses and texts out, and no exception.
#include <sodium.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "bindings/sqlite/accounts.h"
#include "bindings/sqlite/authenticate.h"
#include "bindings/sqlite/host_table.h"
#include "bindings/sqlite/schema.h"
#include "bindings/sqlite/text.h"
#include "bindings/sqlite/tokens.h"
#include "matrix_devices/sqlite.h"

#define MXD_EXPORT __attribute__((visibility("default")))

namespace mxd::sqlite {
namespace {

int32_t report(const Outcome& outcome, mxd_sqlite_error* error) {
  if (error != nullptr) copy_terminated(error->text, outcome.text);
  return outcome.status;
}

// Runs a blocking function: its outcome, or what it threw.
template <class Call>
int32_t reported(const Store& store, mxd_sqlite_error* error, Call&& call) noexcept {
  bool is_reported = false;
  const int32_t status = guarded(store, "an account function", [&] {
    const int32_t called = report(call(), error);
    is_reported = true;
    return called;
  });
  if (!is_reported && error != nullptr) {
    copy_terminated(error->text, "the database failed: see the log, and try again");
  }
  return status;
}

Outcome open(const mxd_sqlite_options& options, mxd_sqlite** out) {
  if (sodium_init() < 0) return {MXD_UNAVAILABLE, "the system gives no randomness"};
  std::string path(text(options.path));
  std::string server_name(text(options.server_name));
  if (path.empty() || path.find('\0') != std::string::npos) {
    return {MXD_INVALID_ARGUMENT, "the path of the database is empty or holds U+0000"};
  }
  if (path.front() == ':') path.insert(0, "./");  // to SQLite it would not be a file
  if (options.access_token_ms < 0) {
    return {MXD_INVALID_ARGUMENT, "the lifetime of access tokens is negative"};
  }
  Outcome outcome = prepare_file(path, server_name, now_ms(options));
  if (!succeeded(outcome.status)) return outcome;
  try {
    *out = new mxd_sqlite(options, path, server_name);
    return {};
  } catch (const SQLite::Exception& error) {
    return outcome_of_opening(error);
  }
}

template <size_t Capacity>
void copy_user_id(char* to, const std::string& user_id) {
  if (to != nullptr) copy_terminated(*reinterpret_cast<char(*)[Capacity]>(to), user_id);
}

void copy_identity(const Authenticated& found, mxd_sqlite_identity& identity) {
  identity.flags = found.principal.flags & ~MXD_PRINCIPAL_HAS_VALIDATED_MS;
  if (found.is_suspended) identity.flags |= MXD_SQLITE_IDENTITY_SUSPENDED;
  copy_terminated(identity.user_id, text(found.principal.user_id));
  copy_terminated(identity.device_id, text(found.principal.device_id));
}

// The pair before a refreshed one dies, and nobody waits for it.
class ReplacePairUnawaited : public Write {
 public:
  explicit ReplacePairUnawaited(int64_t pair) : pair_(pair) {}
  int32_t run(Connection& connection) override {
    delete_replaced_pair(connection, pair_);
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }
  void finish(int32_t) noexcept override {}  // the token's next use tries again

 private:
  const int64_t pair_;
};

}  // namespace
}  // namespace mxd::sqlite

using namespace mxd::sqlite;  // what follows is in C's own

MXD_EXPORT int32_t mxd_sqlite_open(const mxd_sqlite_options* options, mxd_sqlite** out,
                                   mxd_sqlite_error* error) noexcept {
  *out = nullptr;
  try {
    return report(mxd::sqlite::open(known_part(options), out), error);
  } catch (const std::bad_alloc&) {
    return report({MXD_NO_MEMORY, {}}, error);
  } catch (const std::system_error&) {
    return report({MXD_UNAVAILABLE, "no thread can be started: raise the limit"}, error);
  }
}

MXD_EXPORT void mxd_sqlite_close(mxd_sqlite* store) noexcept {
  delete store;
}

MXD_EXPORT void mxd_sqlite_fill_host(mxd_sqlite* store, const mxd_module* module,
                                     mxd_host* host) noexcept {
  store->module = module;
  if (host->size == 0) host->size = sizeof *host;
  host->abi_minor = MXD_ABI_MINOR;
  host->caps |= MXD_HOST_CAP_ATOMIC_DELETE;
  host->cookie = reinterpret_cast<mxd_cookie>(store);
  fill_device_callbacks(*host);
  fill_uia_callbacks(*host);
  if (store->options.now_ms != nullptr) {
    host->now_ms = [](mxd_cookie cookie) noexcept { return store_of(cookie).now_ms(); };
  }
}

MXD_EXPORT void mxd_sqlite_set_lifetimes(mxd_sqlite* store,
                                         const mxd_sqlite_lifetimes* lifetimes) noexcept {
  store->sweeper.set_lifetimes(known_part(lifetimes));
}

MXD_EXPORT mxd_view mxd_sqlite_server_name(mxd_sqlite* store) noexcept {
  return view(store->server_name);
}

MXD_EXPORT int32_t mxd_sqlite_check(mxd_sqlite* store, mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&]() -> Outcome {
    {
      const ReadPool::Lease connection(store->readers);
      Query name(*connection, "SELECT server_name FROM store");
      if (!name.next()) return {MXD_UNAVAILABLE, "the database is not what it was: it is empty"};
    }
    Outcome written = store->writer.run([](Connection& connection) {
      // There and back: SQLite writes no page that stays as it is.
      Query(connection, "UPDATE store SET server_name = server_name || '.'").execute();
      Query(connection,
            "UPDATE store SET server_name = substr(server_name, 1, length(server_name) - 1)")
          .execute();
      return Outcome{};
    });
    if (succeeded(written.status)) return {};
    return {MXD_UNAVAILABLE,
            written.text.empty() ? "the database cannot be written" : written.text};
  });
}

MXD_EXPORT size_t mxd_sqlite_queued_writes(mxd_sqlite* store) noexcept {
  return store->writer.queued();
}

MXD_EXPORT int32_t mxd_sqlite_add_service(mxd_sqlite* store, const mxd_sqlite_service* given,
                                          mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    return store->services.add(known_part(given), store->server_name, [&](const Service& service) {
      return register_sender(*store, service);
    });
  });
}

MXD_EXPORT int32_t mxd_sqlite_set_services(mxd_sqlite* store,
                                           const mxd_sqlite_service* const* services, size_t count,
                                           mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    std::vector<mxd_sqlite_service> given;
    given.reserve(count);
    for (size_t i = 0; i < count; ++i)
      given.push_back(known_part(services[i]));
    return store->services.replace(given, store->server_name, [&](const Service& service) {
      return register_sender(*store, service);
    });
  });
}

MXD_EXPORT int32_t mxd_sqlite_find_service(mxd_sqlite* store, mxd_view as_token,
                                           mxd_view* id) noexcept {
  const Service* const service = store->services.find_token(text(as_token));
  if (service == nullptr) return MXD_NOT_FOUND;
  *id = view(service->id);
  return MXD_OK;
}

MXD_EXPORT int32_t mxd_sqlite_resolve_name(mxd_sqlite* store, mxd_view name,
                                           char user_id[MXD_SQLITE_ID_CAPACITY],
                                           mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    std::string meant;
    Outcome outcome = resolve_name(*store, text(name), meant);
    if (succeeded(outcome.status)) copy_user_id<MXD_SQLITE_ID_CAPACITY>(user_id, meant);
    return outcome;
  });
}

MXD_EXPORT int32_t mxd_sqlite_add_account(mxd_sqlite* store, const mxd_sqlite_new_account* account,
                                          char user_id[MXD_SQLITE_ID_CAPACITY],
                                          mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    std::string added;
    Outcome outcome = add_account(*store, known_part(account), added);
    if (succeeded(outcome.status)) copy_user_id<MXD_SQLITE_ID_CAPACITY>(user_id, added);
    return outcome;
  });
}

MXD_EXPORT int32_t mxd_sqlite_list_accounts(mxd_sqlite* store,
                                            void (*visit)(mxd_cookie,
                                                          const mxd_sqlite_account*) noexcept,
                                            mxd_cookie cookie, mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    list_accounts(*store, [&](const mxd_sqlite_account& account) { visit(cookie, &account); });
    return Outcome{};
  });
}

MXD_EXPORT int32_t mxd_sqlite_set_account_flags(mxd_sqlite* store, mxd_view name, uint32_t set,
                                                uint32_t clear, mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] { return set_account_flags(*store, text(name), set, clear); });
}

MXD_EXPORT int32_t mxd_sqlite_set_password(mxd_sqlite* store, mxd_view name, mxd_view password,
                                           mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] { return set_password(*store, text(name), text(password)); });
}

MXD_EXPORT int32_t mxd_sqlite_check_password(mxd_sqlite* store, mxd_view name, mxd_view password,
                                             char user_id[MXD_SQLITE_ID_CAPACITY],
                                             mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] {
    std::string checked;
    Outcome outcome = check_password(*store, text(name), text(password), checked);
    if (succeeded(outcome.status)) copy_user_id<MXD_SQLITE_ID_CAPACITY>(user_id, checked);
    return outcome;
  });
}

MXD_EXPORT int32_t mxd_sqlite_login_device(mxd_sqlite* store, const mxd_sqlite_login* login,
                                           mxd_sqlite_tokens* out,
                                           mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&]() -> Outcome {
    mxd_sqlite_tokens tokens{};
    Outcome outcome = login_device(*store, known_part(login), tokens);
    if (succeeded(outcome.status)) copy_known_part(tokens, out);
    sodium_memzero(&tokens, sizeof tokens);
    return outcome;
  });
}

MXD_EXPORT int32_t mxd_sqlite_refresh(mxd_sqlite* store, mxd_view refresh_token,
                                      mxd_sqlite_tokens* out, mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&]() -> Outcome {
    mxd_sqlite_tokens tokens{};
    Outcome outcome = refresh(*store, text(refresh_token), tokens);
    if (succeeded(outcome.status)) copy_known_part(tokens, out);
    sodium_memzero(&tokens, sizeof tokens);
    return outcome;
  });
}

MXD_EXPORT int32_t mxd_sqlite_identify(mxd_sqlite* store, const mxd_credentials* credentials,
                                       mxd_sqlite_identity* out) noexcept {
  return guarded(*store, "identify", [&] {
    std::optional<int64_t> new_pair;
    const int32_t status = authenticate(*store, *credentials, [&](const Authenticated& found) {
      mxd_sqlite_identity identity{};
      copy_identity(found, identity);
      copy_known_part(identity, out);
      new_pair = found.new_pair;
    });
    if (new_pair) store->writer.submit(std::make_unique<ReplacePairUnawaited>(*new_pair));
    return status;
  });
}

MXD_EXPORT int32_t mxd_sqlite_logout(mxd_sqlite* store, mxd_view access_token, int32_t all,
                                     mxd_sqlite_error* error) noexcept {
  return reported(*store, error, [&] { return logout(*store, text(access_token), all != 0); });
}
