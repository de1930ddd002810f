#include "bindings/store/sqlite/accounts.h"

#include <utility>
#include <vector>

#include "bindings/store/common/account_password.h"
#include "bindings/store/common/account_rows.h"
#include "bindings/store/common/new_account.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/user_name.h"
#include "bindings/store/sqlite/deletion.h"

namespace mxd::store::sqlite {
namespace {

Outcome insert_account(Store& store, const NewAccount& account) {
  return store.writer.run([&](WriteConnection& connection) -> Outcome {
    connection.concerns_nobody();
    const int added =
        Query(connection,
              "INSERT OR IGNORE INTO accounts (user_id, password_hash, guest, service_id,"
              " created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
              account.user_id, account.password_hash, account.is_guest, account.service_id,
              store.now_ms())
            .execute();
    if (added == 0) return name_is_taken(account.user_id);
    return {};
  });
}

// By user ID, from this one on.
std::vector<AccountRow> read_accounts(Connection& connection, std::string_view from,
                                      int64_t limit) {
  constexpr std::pair<int, uint32_t> kFlags[] = {{1, MXD_STORE_ACCOUNT_GUEST},
                                                 {2, MXD_STORE_ACCOUNT_LOCKED},
                                                 {3, MXD_STORE_ACCOUNT_SUSPENDED},
                                                 {4, MXD_STORE_ACCOUNT_DEACTIVATED},
                                                 {5, MXD_STORE_ACCOUNT_HAS_PASSWORD}};
  std::vector<AccountRow> accounts;
  Query rows(connection,
             "SELECT a.user_id, a.guest, a.locked, a.suspended, a.deactivated,"
             " a.password_hash IS NOT NULL, a.service_id, a.created_ms, max(d.last_seen_ms),"
             " count(d.device)"
             " FROM (SELECT * FROM accounts WHERE user_id >= ?1 ORDER BY user_id LIMIT ?2) a"
             " LEFT JOIN devices d ON d.account = a.account AND d.device > a.gone_through"
             " GROUP BY a.user_id ORDER BY a.user_id",
             from, limit);
  while (rows.next()) {
    uint32_t flags = rows.is_null(6) ? 0u : MXD_STORE_ACCOUNT_APPSERVICE;
    for (const auto& [column, flag] : kFlags)
      flags |= rows.integer(column) != 0 ? flag : 0u;
    accounts.push_back({flags, rows.integer(7), rows.optional_integer(8).value_or(-1),
                        rows.integer(9), std::string(rows.text(0)), std::string(rows.text(6))});
  }
  return accounts;
}

}  // namespace

std::optional<Account> find_account(Connection& connection, std::string_view user_id) {
  Query row(connection,
            "SELECT account, password_hash, locked, deactivated FROM accounts WHERE user_id = ?1",
            user_id);
  if (!row.next()) return std::nullopt;
  std::optional<std::string> hash;
  if (!row.is_null(1)) hash = std::string(row.text(1));
  return Account{row.integer(0), std::string(user_id), std::move(hash), row.integer(2) != 0,
                 row.integer(3) != 0};
}

std::optional<Account> find_named_account(const Store& store, Connection& connection,
                                          std::string_view name) {
  const std::optional<UserName> meant = read_user_name(name, store.server_name);
  if (!meant) return std::nullopt;
  std::optional<Account> account = find_account(connection, meant->exact);
  if (!account && meant->lower != meant->exact) account = find_account(connection, meant->lower);
  return account;
}

Outcome require_account(const Store& store, Connection& connection, std::string_view name,
                        std::optional<Account>& account) {
  account = find_named_account(store, connection, name);
  if (account) return {};
  return no_account(name);
}

void Store::resolve_name(std::string_view name, Done<mxd_store_user> done) {
  const std::optional<UserName> meant = read_user_name(name, server_name);
  if (!meant) {
    const Outcome refused = nobodys_name(server_name);
    return done.refuse(refused.status, refused.text);
  }
  const bool is_exact = sqlite::find_account(*ReadPool::Lease(readers), meant->exact).has_value();
  mxd_store_user user{};
  user.size = sizeof user;
  copy_terminated(user.user_id, is_exact ? meant->exact : meant->lower);
  done.answer(user);
}

Outcome Store::add_account(const mxd_store_new_account& given, std::string& user_id) {
  NewAccount account;
  Outcome outcome = read_new_account(*this, given, account);
  if (!succeeded(outcome.status)) return outcome;
  user_id = account.user_id;
  if (given.password.size != 0) {
    // Before the password is hashed, which costs most.
    if (sqlite::find_account(*ReadPool::Lease(readers), user_id)) return name_is_taken(user_id);
    outcome = hash_new_password(passwords, text(given.password), account.password_hash);
    if (!succeeded(outcome.status)) return outcome;
  }
  return insert_account(*this, account);
}

Outcome Store::prepare_service(const Service& service) {
  NewAccount account;
  Outcome outcome = read_sender(*this, service, account);
  if (succeeded(outcome.status)) outcome = insert_account(*this, account);
  return outcome.status == MXD_BUSY ? Outcome{} : outcome;  // it is there already
}

Outcome Store::list_accounts(std::string_view after,
                             absl::FunctionRef<int32_t(const mxd_store_account&)> visit) {
  const auto read = [this](std::string_view last, std::vector<AccountRow>& page) -> Outcome {
    page = read_accounts(*ReadPool::Lease(readers), next_after(last), kRowsAPage);
    return {};
  };
  return visit_pages<AccountRow>(after, read, visit);
}

Outcome Store::find_account(std::string_view name,
                            absl::FunctionRef<int32_t(const mxd_store_account&)> visit) {
  std::vector<AccountRow> found;
  {
    const ReadPool::Lease connection(readers);
    std::optional<Account> account;
    Outcome outcome = require_account(*this, *connection, name, account);
    if (!succeeded(outcome.status)) return outcome;
    found = read_accounts(*connection, account->user_id, 1);
  }
  return {visit(found.at(0).record()), {}};
}

Outcome Store::change_account(const mxd_store_account_change& given) {
  const bool deactivates = (given.set & MXD_STORE_ACCOUNT_DEACTIVATED) != 0;
  Outcome changed = writer.run_with_reserve([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, text(given.name), account);
    if (!succeeded(outcome.status)) return outcome;
    const auto change = [&](uint32_t flag) -> std::optional<bool> {
      if ((given.set & flag) != 0) return true;
      if ((given.clear & flag) != 0) return false;
      return std::nullopt;
    };
    Query(connection,
          "UPDATE accounts SET locked = coalesce(?2, locked), suspended = coalesce(?3, suspended)"
          " WHERE account = ?1",
          account->row, change(MXD_STORE_ACCOUNT_LOCKED), change(MXD_STORE_ACCOUNT_SUSPENDED))
        .execute();
    if (!deactivates) return {};
    delete_all_devices(connection, account->row);
    Query(connection, "DELETE FROM uia_sessions WHERE user_id = ?1", account->user_id).execute();
    Query(connection, "DELETE FROM user_threepids WHERE account = ?1", account->row).execute();
    Query(connection,
          "UPDATE accounts SET deactivated = 1, password_hash = NULL WHERE account = ?1",
          account->row)
        .execute();
    return {};
  });
  if (deactivates) sweeper.wake();
  return changed;
}

Outcome Store::set_password(std::string_view name, std::string_view password, bool signs_out) {
  std::optional<std::string> hash;
  Outcome hashed = hash_new_password(passwords, password, hash);
  if (!succeeded(hashed.status)) return hashed;
  Outcome changed = writer.run([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, name, account);
    if (!succeeded(outcome.status)) return outcome;
    if (account->is_deactivated) return account_is_deactivated(account->user_id);
    Query(connection, "UPDATE accounts SET password_hash = ?2 WHERE account = ?1", account->row,
          *hash)
        .execute();
    if (signs_out) delete_all_devices(connection, account->row);
    return {};
  });
  if (signs_out) sweeper.wake();
  return changed;
}

Outcome Store::check_password(std::string_view name, std::string_view password,
                              std::string& user_id) {
  std::optional<Account> account;
  {
    const ReadPool::Lease connection(readers);
    account = find_named_account(*this, *connection, name);
  }
  const bool may_log_in = account && !account->is_deactivated;
  Outcome compared =
      compare_password(passwords, may_log_in ? account->password_hash : std::nullopt, password);
  if (succeeded(compared.status)) user_id = account->user_id;
  return compared;
}

}  // namespace mxd::store::sqlite
