#include "bindings/store/postgres/store.h"

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "bindings/store/common/identity.h"
#include "bindings/store/common/login.h"
#include "bindings/store/postgres/authenticate.h"
#include "bindings/store/postgres/host_table.h"
#include "bindings/store/postgres/moving.h"
#include "bindings/store/postgres/schema.h"

namespace mxd::store::postgres {
namespace {

constexpr Statement kCheck{"UPDATE matrix_devices.store SET written = written + 1"};

// Copies what is asked with, which need not be there any more when the answer comes.
class Identification final : public Authentication {
 public:
  Identification(Store& of, const mxd_credentials& given, Done<mxd_store_identity> done)
      : Authentication(of, kept_),
        token_(text(given.access_token)),
        as_user_(text(given.user_id)),
        as_device_(text(given.device_id)),
        address_(text(given.remote_addr)),
        kept_{sizeof(mxd_credentials), given.flags,      view(token_),
              view(as_user_),          view(as_device_), view(address_)},
        done_(done) {}

  void found(const Authenticated& found) override {
    flags_ = identity_flags(found.principal, found.is_suspended);
    user_id_ = text(found.principal.user_id);
    device_id_ = text(found.principal.device_id);
    service_id_ = text(found.principal.service_id);
  }

  void finish(int32_t status) noexcept override {
    if (status != MXD_OK) return done_.refuse(status, refusal_reason(status));
    done_.answer(
        {sizeof(mxd_store_identity), flags_, view(user_id_), view(device_id_), view(service_id_)});
  }

 private:
  const std::string token_;
  const std::string as_user_;
  const std::string as_device_;
  const std::string address_;
  const mxd_credentials kept_;
  const Done<mxd_store_identity> done_;

  uint32_t flags_ = 0;
  std::string user_id_;
  std::string device_id_;
  std::string service_id_;
};

}  // namespace

Store::Store(const mxd_store_options& options, Target target, const Known& known)
    : mxd_store(options, known.server_name),
      account_key(known.account_key),
      access_token_ms(options.access_token_ms != 0 ? options.access_token_ms
                                                   : kDefaultAccessTokenMs),
      database(std::move(target), log),
      batches(database),
      sweeper(batches, clock, log) {}

int32_t Store::status_of(const std::exception& error) const noexcept {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ? MXD_NO_MEMORY : MXD_INTERNAL;
}

void Store::fill_callbacks(mxd_host& host) const {
  fill_device_callbacks(host);
  fill_limit_callbacks(host);
  fill_uia_callbacks(host);
}

Outcome Store::check() {
  // In a transaction of its own: the row is the same for all servers.
  Database::Reply reply = database.run(Kind::kLongWrite, kCheck, Parameters());
  if (!succeeded(reply.outcome.status)) {
    return {MXD_UNAVAILABLE, std::move(reply.outcome.text)};
  }
  if (reply.rows.affected() == 1) return {};
  return {MXD_UNAVAILABLE, "the database is not what it was: it is empty"};
}

void Store::set_lifetimes(const mxd_store_lifetimes& lifetimes) {
  sweeper.set_lifetimes(lifetimes);
}

Outcome Store::sweep(mxd_store_swept& swept) {
  return sweeper.sweep(swept);
}

Outcome Store::backup(const mxd_store_backup&) {
  return {MXD_UNSUPPORTED,
          "PostgreSQL has its own tools: make a copy with pg_dump, or with pg_basebackup"};
}

void Store::identify(const mxd_credentials& credentials, Done<mxd_store_identity> done) {
  authenticate(std::make_shared<Identification>(*this, credentials, done));
}

}  // namespace mxd::store::postgres

namespace mxd::store {

const char kEngine[] = "postgres";

Outcome export_store(const mxd_store_options& options, Exporter& exporter) {
  postgres::Target target;
  Outcome outcome = postgres::read_target(options, target);
  if (!succeeded(outcome.status)) return outcome;
  try {
    return postgres::export_database(target, text(options.server_name), exporter);
  } catch (const postgres::Failed& failed) {
    return failed.outcome();
  }
}

Outcome begin_import(const mxd_store_options& options, std::unique_ptr<Importer>& importer) {
  postgres::Target target;
  Outcome outcome = postgres::read_target(options, target);
  if (!succeeded(outcome.status)) return outcome;
  try {
    importer = postgres::begin_database(target);
    return {};
  } catch (const postgres::Failed& failed) {
    return failed.outcome();
  }
}

Outcome open_store(const mxd_store_options& options, std::unique_ptr<mxd_store>& out) {
  postgres::Target target;
  Outcome outcome = postgres::read_target(options, target);
  if (!succeeded(outcome.status)) return outcome;
  std::optional<postgres::Store::Known> known;
  outcome = postgres::prepare_database(target, text(options.server_name), known);
  if (succeeded(outcome.status)) {
    auto opened = std::make_unique<postgres::Store>(options, std::move(target), *known);
    opened->database.wait_until_connected();
    out = std::move(opened);
  }
  return outcome;
}

}  // namespace mxd::store
