// An open store: the parts that its functions share.
#ifndef MXD_BINDINGS_STORE_SQLITE_STORE_H
#define MXD_BINDINGS_STORE_SQLITE_STORE_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "bindings/store/common/account_key.h"
#include "bindings/store/common/last_seen.h"
#include "bindings/store/common/password.h"
#include "bindings/store/common/store.h"
#include "bindings/store/common/sweeper.h"
#include "bindings/store/sqlite/known_accounts.h"
#include "bindings/store/sqlite/memory.h"
#include "bindings/store/sqlite/portions.h"
#include "bindings/store/sqlite/read_pool.h"
#include "bindings/store/sqlite/read_thread.h"
#include "bindings/store/sqlite/writer.h"

namespace mxd::store::sqlite {

// Of one SQLite file, which several processes may have open. Beside it lie FILE-wal, FILE-shm, and
// FILE-reserve: room on the disk for deletions. On a full disk what deletes, and what it needs
// (sessions, refresh, logout), is written with that; all else is UNAVAILABLE. Reads are answered on
// the caller's thread.
struct Store final : mxd_store {
  // Of a file that prepare_file() has prepared. Throws SQLite::Exception, std::system_error.
  Store(const mxd_store_options& options, const std::string& path, const std::string& name,
        const AccountKey& key);

  int32_t status_of(const std::exception& error) const noexcept override;
  void fill_callbacks(mxd_host& host) const override;
  Outcome check() override;
  uint64_t queued_writes() override { return writer.queued(); }
  void set_lifetimes(const mxd_store_lifetimes& lifetimes) override;
  Outcome sweep(mxd_store_swept& swept) override;
  void identify(const mxd_credentials& credentials, Done<mxd_store_identity> done) override;

  // backup.cc
  Outcome backup(const mxd_store_backup& backup) override;

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

  const std::string path;
  const int64_t access_token_ms;
  const AccountKey account_key;

  // Destroyed from the last to the first: the password threads finish what they have, then the
  // sweeper does, then the writer, whose queue refers to last_seen.
  ReadPool readers;
  Memory memory;
  KnownAccounts known_accounts;
  ReadThread long_lists;
  LastSeen<int64_t> last_seen;  // by their rows
  Writer writer;
  SweepingInPortions portions;
  Sweeper sweeper;
  PasswordThreads passwords;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_STORE_H
