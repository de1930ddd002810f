#include "bindings/store/sqlite/store.h"

#include <SQLiteCpp/Exception.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "bindings/common/database_url.h"
#include "bindings/store/common/identity.h"
#include "bindings/store/common/login.h"
#include "bindings/store/sqlite/authenticate.h"
#include "bindings/store/sqlite/examination.h"
#include "bindings/store/sqlite/host_table.h"
#include "bindings/store/sqlite/moving.h"
#include "bindings/store/sqlite/schema.h"
#include "bindings/store/sqlite/status.h"
#include "bindings/store/sqlite/tokens.h"

namespace mxd::store::sqlite {
namespace {

size_t connection_count(uint32_t asked) {
  return asked != 0 ? asked : std::max(2u, std::thread::hardware_concurrency());
}

// How many tokens and lists are remembered at most. In a large database more users ask at a time,
// and what is not remembered costs more. A place takes 150 bytes, and some hundred more when it is
// used.
size_t places_for(Connection& connection) {
  constexpr int64_t kAccountsAPlace = 4;
  constexpr int64_t kFewest = 4096;
  constexpr int64_t kMost = 65'536;
  Query last(connection, "SELECT max(account) FROM accounts");
  const int64_t accounts = last.next() ? last.integer(0) : 0;
  return static_cast<size_t>(std::clamp(accounts / kAccountsAPlace, kFewest, kMost));
}

// The pair before a refreshed one dies, and nobody waits for it.
class ReplacePairUnawaited : public Write {
 public:
  explicit ReplacePairUnawaited(int64_t pair) : pair_(pair) {}
  int32_t run(WriteConnection& connection) override {
    use_new_pair(connection, pair_);
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }
  void finish(int32_t) noexcept override {}  // the token's next use tries again

 private:
  const int64_t pair_;
};

Outcome read_path(std::string_view url, std::string& path) {
  constexpr std::string_view kScheme = "sqlite";
  const std::string_view scheme = common::scheme_of(url);
  if (!scheme.empty() &&
      !absl::EqualsIgnoreCase({scheme.data(), scheme.size()}, {kScheme.data(), kScheme.size()})) {
    return {MXD_INVALID_ARGUMENT, "the SQLite store opens sqlite:PATH or a file name, and no " +
                                      std::string(scheme.substr(0, 32)) +
                                      ": URL; for a file of that name write ./ before it"};
  }
  path = url.substr(scheme.empty() ? 0 : kScheme.size() + 1);
  if (path.empty() || path.find('\0') != std::string::npos) {
    return {MXD_INVALID_ARGUMENT,
            "the path of the database is empty or holds U+0000: give the name of a file"};
  }
  if (path.front() == ':') path.insert(0, "./");  // to SQLite it would not be a file
  return {};
}

}  // namespace

Store::Store(const mxd_store_options& options, const std::string& given_path,
             const std::string& name, const AccountKey& key)
    : mxd_store(options, name),
      path(given_path),
      access_token_ms(options.access_token_ms != 0 ? options.access_token_ms
                                                   : kDefaultAccessTokenMs),
      account_key(key),
      readers(path, connection_count(options.connections)),
      memory(*ReadPool::Lease(readers), places_for(*ReadPool::Lease(readers))),
      long_lists(path),
      writer(path, log, account_key, memory),
      portions(readers, writer),
      sweeper(portions, clock, log) {}

int32_t Store::status_of(const std::exception& error) const noexcept {
  if (const auto* failure = dynamic_cast<const SQLite::Exception*>(&error)) {
    return sqlite::status_of(*failure);
  }
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? MXD_NO_MEMORY : MXD_INTERNAL;
}

void Store::fill_callbacks(mxd_host& host) const {
  fill_device_callbacks(host);
  fill_uia_callbacks(host);
}

Outcome Store::check() {
  {
    const ReadPool::Lease connection(readers);
    Query name(*connection, "SELECT server_name FROM store");
    if (!name.next()) return {MXD_UNAVAILABLE, "the database is not what it was: it is empty"};
  }
  Outcome written = writer.run([](WriteConnection& connection) {
    connection.concerns_nobody();
    // There and back: SQLite writes no page that stays as it is.
    Query(connection, "UPDATE store SET server_name = server_name || '.'").execute();
    Query(connection,
          "UPDATE store SET server_name = substr(server_name, 1, length(server_name) - 1)")
        .execute();
    return Outcome{};
  });
  if (succeeded(written.status)) return {};
  return {MXD_UNAVAILABLE, written.text.empty() ? "the database cannot be written" : written.text};
}

void Store::set_lifetimes(const mxd_store_lifetimes& lifetimes) {
  sweeper.set_lifetimes(lifetimes);
}

Outcome Store::sweep(mxd_store_swept& swept) {
  return sweeper.sweep(swept);
}

void Store::identify(const mxd_credentials& credentials, Done<mxd_store_identity> done) {
  // Copied: a connection is lent only as long as authenticate() runs.
  uint32_t flags = 0;
  std::string user_id;
  std::string device_id;
  std::string service_id;
  std::optional<int64_t> new_pair;
  const int32_t status = authenticate(*this, credentials, [&](const Authenticated& found) {
    flags = identity_flags(found.principal, found.is_suspended);
    user_id = text(found.principal.user_id);
    device_id = text(found.principal.device_id);
    service_id = text(found.principal.service_id);
    new_pair = found.new_pair;
  });
  if (status != MXD_OK) return done.refuse(status, refusal_reason(status));
  if (new_pair) writer.submit(std::make_unique<ReplacePairUnawaited>(*new_pair));
  done.answer(
      {sizeof(mxd_store_identity), flags, view(user_id), view(device_id), view(service_id)});
}

}  // namespace mxd::store::sqlite

namespace mxd::store {

const char kEngine[] = "sqlite";

Outcome examine_store(const mxd_store_options& options,
                      absl::FunctionRef<int32_t(const mxd_store_finding&)> visit) {
  std::string path;
  Outcome outcome = sqlite::read_path(text(options.url), path);
  if (!succeeded(outcome.status)) return outcome;
  return sqlite::examine_file(path, text(options.server_name), visit);
}

Outcome export_store(const mxd_store_options& options, Exporter& exporter) {
  std::string path;
  Outcome outcome = sqlite::read_path(text(options.url), path);
  if (!succeeded(outcome.status)) return outcome;
  return sqlite::export_file(path, text(options.server_name), exporter);
}

Outcome begin_import(const mxd_store_options& options, std::unique_ptr<Importer>& importer) {
  std::string path;
  Outcome outcome = sqlite::read_path(text(options.url), path);
  if (!succeeded(outcome.status)) return outcome;
  const WallClock clock(options.now_ms, options.cookie);
  return sqlite::begin_file(path, clock.now_ms(), importer);
}

Outcome open_store(const mxd_store_options& options, std::unique_ptr<mxd_store>& out) {
  std::string path;
  Outcome outcome = sqlite::read_path(text(options.url), path);
  if (!succeeded(outcome.status)) return outcome;
  std::string server_name(text(options.server_name));
  const WallClock clock(options.now_ms, options.cookie);
  std::optional<AccountKey> account_key;
  outcome = sqlite::prepare_file(path, server_name, account_key, clock.now_ms());
  if (!succeeded(outcome.status)) return outcome;
  try {
    out = std::make_unique<sqlite::Store>(options, path, server_name, *account_key);
    return {};
  } catch (const SQLite::Exception& error) {
    return sqlite::outcome_of_opening(error);
  }
}

}  // namespace mxd::store
