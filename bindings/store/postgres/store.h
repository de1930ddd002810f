// An open store: the parts that its functions share.
#ifndef MXD_BINDINGS_STORE_POSTGRES_STORE_H
#define MXD_BINDINGS_STORE_POSTGRES_STORE_H

#include <cstdint>
#include <string>

#include "bindings/store/common/account_key.h"
#include "bindings/store/common/password.h"
#include "bindings/store/common/store.h"
#include "bindings/store/common/sweeper.h"
#include "bindings/store/postgres/batches.h"
#include "bindings/store/postgres/database.h"
#include "bindings/store/postgres/last_seen_write.h"

namespace mxd::store::postgres {

// Of one PostgreSQL database, which any number of processes on any number of machines may have
// open. Callbacks are answered on the database's I/O threads; [blocks] functions wait for those.
struct Store final : mxd_store {
  // What a database says of itself.
  struct Known {
    std::string server_name;
    AccountKey account_key;
  };

  // Of a database that prepare_database() has prepared. Throws std::system_error, std::bad_alloc.
  Store(const mxd_store_options& options, Target target, const Known& known);

  // store.cc
  int32_t status_of(const std::exception& error) const noexcept override;
  void fill_callbacks(mxd_host& host) const override;
  Outcome check() override;
  uint64_t queued_writes() override { return database.queued_writes(); }
  void set_lifetimes(const mxd_store_lifetimes& lifetimes) override;
  Outcome sweep(mxd_store_swept& swept) override;
  Outcome backup(const mxd_store_backup& backup) override;
  void identify(const mxd_credentials& credentials, Done<mxd_store_identity> done) override;

  // limits.cc
  Outcome take_limit(const mxd_limit_request& request, LimitDone done) override;

  // accounts.cc
  Outcome prepare_service(const Service& service) override;
  void resolve_name(std::string_view name, Done<mxd_store_user> done) override;
  Outcome add_account(const mxd_store_new_account& account, std::string& user_id) override;
  Outcome list_accounts(std::string_view after,
                        absl::FunctionRef<int32_t(const mxd_store_account&)> visit) override;
  Outcome find_account(std::string_view name,
                       absl::FunctionRef<int32_t(const mxd_store_account&)> visit) override;
  Outcome change_account(const mxd_store_account_change& change) override;
  Outcome set_password(std::string_view name, std::string_view password, bool signs_out) override;
  Outcome check_password(std::string_view name, std::string_view password,
                         std::string& user_id) override;

  // account_devices.cc
  Outcome list_devices(std::string_view name, std::string_view after,
                       absl::FunctionRef<int32_t(const mxd_store_device&)> visit) override;
  Outcome delete_devices(const mxd_store_devices& devices, mxd_store_affected& affected) override;
  Outcome revoke_devices(const mxd_store_devices& devices, mxd_store_affected& affected) override;
  Outcome revoke_token(std::string_view token, mxd_store_affected& affected) override;

  // tokens.cc
  Outcome login(const mxd_store_login& login, mxd_store_tokens& tokens) override;
  Outcome refresh(std::string_view refresh_token, mxd_store_tokens& tokens) override;
  Outcome logout(std::string_view access_token, bool all) override;

  int64_t account_of(std::string_view user_id) const { return account_key.account_of(user_id); }

  const AccountKey account_key;
  const int64_t access_token_ms;

  // Destroyed from the last to the first: the sweeper ends, then what is open in the database is
  // answered, which refers to the others.
  LastSeen<DeviceKey> last_seen;
  PasswordThreads passwords;
  Database database;
  SweepingInBatches batches;
  Sweeper sweeper;
};

}  // namespace mxd::store::postgres

#endif  // MXD_BINDINGS_STORE_POSTGRES_STORE_H
