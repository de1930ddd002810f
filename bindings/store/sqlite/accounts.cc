#include "bindings/store/sqlite/accounts.h"

#include <utility>
#include <vector>

#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/user_name.h"
#include "bindings/store/sqlite/deletion.h"

namespace mxd::store::sqlite {
namespace {

constexpr size_t kGuestNameLetters = 16;

// Nobody but a service registers what is the service's, and a service nothing else.
Outcome check_namespaces(const Store& store, const std::string& user_id, bool is_service,
                         std::string_view service_id) {
  const Service* const service = is_service ? store.services.find_id(service_id) : nullptr;
  if (is_service && (service == nullptr || !service->covers(user_id))) {
    return {MXD_FORBIDDEN, user_id + " is not in the namespaces of the application service"};
  }
  if (store.services.reserved(user_id, service)) {
    return {MXD_FORBIDDEN, user_id + " is reserved for an application service: take another name"};
  }
  return {};
}

constexpr const char* kQueueFull = "too many passwords are being checked: try again";
constexpr const char* kNoMemory = "a password could not be hashed for want of memory: try again";

Outcome hash_on_threads(Store& store, std::string_view password, std::optional<std::string>& hash) {
  if (password.find('\0') != std::string_view::npos) {
    return {MXD_INVALID_ARGUMENT, "a password can't hold U+0000: leave it out"};
  }
  if (!store.passwords.run([&] { hash = hash_password(password); })) {
    return {MXD_UNAVAILABLE, kQueueFull};
  }
  if (!hash) return {MXD_UNAVAILABLE, kNoMemory};
  return {};
}

Outcome name_taken(const std::string& user_id) {
  return {MXD_BUSY, user_id + " exists already: take another name"};
}

Outcome insert_account(Store& store, const std::string& user_id,
                       const std::optional<std::string>& hash, bool is_guest,
                       const std::optional<std::string>& service_id) {
  return store.writer.run([&](Connection& connection) -> Outcome {
    const int added =
        Query(connection,
              "INSERT OR IGNORE INTO accounts (user_id, password_hash, guest, service_id,"
              " created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
              user_id, hash, is_guest, service_id, store.now_ms())
            .execute();
    if (added == 0) return name_taken(user_id);
    return {};
  });
}

// An account with what is told of it.
struct AccountRow {
  uint32_t flags;
  int64_t created_ms;
  int64_t last_seen_ms;
  int64_t device_count;
  std::string user_id;
  std::string service_id;

  mxd_store_account record() const {
    return {sizeof(mxd_store_account), flags, created_ms, last_seen_ms, device_count, view(user_id),
            view(service_id)};
  }
};

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
  return {MXD_NOT_FOUND, "there is no account " + std::string(name)};
}

void Store::resolve_name(std::string_view name, Done<mxd_store_user> done) {
  const std::optional<UserName> meant = read_user_name(name, server_name);
  if (!meant) {
    const std::string reason = "this is no name of a user of " + server_name;
    return done.refuse(MXD_INVALID_ARGUMENT, reason);
  }
  const bool is_exact = sqlite::find_account(*ReadPool::Lease(readers), meant->exact).has_value();
  mxd_store_user user{};
  user.size = sizeof user;
  copy_terminated(user.user_id, is_exact ? meant->exact : meant->lower);
  done.answer(user);
}

Outcome Store::add_account(const mxd_store_new_account& given, std::string& user_id) {
  const bool is_guest = (given.flags & MXD_STORE_ACCOUNT_GUEST) != 0;
  const bool is_service = (given.flags & MXD_STORE_ACCOUNT_APPSERVICE) != 0;
  const std::string name = is_guest && given.name.size == 0
                               ? "guest-" + random_letters(kGuestNameLetters, 'a')
                               : std::string(text(given.name));
  const std::optional<UserName> named = read_user_name(name, server_name);
  if (named) user_id = is_service ? named->exact : named->lower;
  if (!named || !(is_service || is_valid_localpart(localpart_of(user_id)))) {
    return {MXD_INVALID_ARGUMENT,
            "a user name is made of a-z, 0-9 and ._=-/+ and, with its server, of 255 bytes at "
            "most; a full ID ends in :" +
                server_name};
  }
  Outcome outcome = check_namespaces(*this, user_id, is_service, text(given.service_id));
  if (!succeeded(outcome.status)) return outcome;
  std::optional<std::string> hash;
  if (given.password.size != 0) {
    // Before the password is hashed, which costs most.
    if (sqlite::find_account(*ReadPool::Lease(readers), user_id)) return name_taken(user_id);
    outcome = hash_on_threads(*this, text(given.password), hash);
    if (!succeeded(outcome.status)) return outcome;
  }
  std::optional<std::string> service_id;
  if (is_service) service_id = std::string(text(given.service_id));
  return insert_account(*this, user_id, hash, is_guest, service_id);
}

Outcome Store::prepare_service(const Service& service) {
  if (!read_user_name(service.sender, server_name)) {
    return {MXD_INVALID_ARGUMENT, "service " + service.id +
                                      ": the sender_localpart is not a valid name: use a-z, 0-9 "
                                      "and ._=-/+"};
  }
  Outcome outcome = insert_account(*this, service.sender, std::nullopt, false, service.id);
  return outcome.status == MXD_BUSY ? Outcome{} : outcome;
}

int32_t Store::list_accounts(std::string_view given_after,
                             absl::FunctionRef<int32_t(const mxd_store_account&)> visit) {
  constexpr int64_t kPage = 256;
  std::vector<AccountRow> page;
  std::string from(given_after);
  if (!from.empty()) from += '\0';  // the next text after it
  do {
    page = read_accounts(*ReadPool::Lease(readers), from, kPage);
    // The connection has been given back: the visitor may call the store.
    for (const AccountRow& row : page) {
      const int32_t status = visit(row.record());
      if (status != MXD_OK) return status;
    }
    if (!page.empty()) from = page.back().user_id + '\0';
  } while (!page.empty());
  return MXD_OK;
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
  if (password.empty()) {
    return {MXD_INVALID_ARGUMENT, "the password is empty: give at least one character"};
  }
  std::optional<std::string> hash;
  Outcome hashed = hash_on_threads(*this, password, hash);
  if (!succeeded(hashed.status)) return hashed;
  Outcome changed = writer.run([&](Connection& connection) -> Outcome {
    std::optional<Account> account;
    Outcome outcome = require_account(*this, connection, name, account);
    if (!succeeded(outcome.status)) return outcome;
    if (account->is_deactivated) return {MXD_FORBIDDEN, account->user_id + " is deactivated"};
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
  const std::optional<std::string> hash = may_log_in ? account->password_hash : std::nullopt;
  std::optional<bool> is_right;
  if (!passwords.run([&] { is_right = verify_password(hash, password); })) {
    return {MXD_UNAVAILABLE, kQueueFull};
  }
  if (!is_right) return {MXD_UNAVAILABLE, kNoMemory};  // H6
  if (!*is_right) return {MXD_FORBIDDEN, "wrong user name or password"};
  user_id = account->user_id;
  return {};
}

}  // namespace mxd::store::sqlite
