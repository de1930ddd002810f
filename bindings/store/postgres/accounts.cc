#include "bindings/store/postgres/accounts.h"

#include <memory>
#include <utility>
#include <vector>

#include "bindings/store/common/account_password.h"
#include "bindings/store/common/account_rows.h"
#include "bindings/store/common/new_account.h"
#include "bindings/store/common/refusals.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/user_name.h"

namespace mxd::store::postgres {
namespace {

// A collision of account numbers is a name that is taken, too.
constexpr Statement kAdd{
    "INSERT INTO matrix_devices.accounts (account, user_id, password_hash, guest, service_id,"
    " created_ms) VALUES ($1::bigint, $2::text, $3::text, $4::boolean, $5::text, $6::bigint)"
    " ON CONFLICT DO NOTHING"};

constexpr Statement kFind{
    "SELECT password_hash, deactivated FROM matrix_devices.accounts"
    " WHERE account = $1::bigint AND user_id = $2::text"};

constexpr Statement kIsThere{
    "SELECT FROM matrix_devices.accounts WHERE account = $1::bigint AND user_id = $2::text"};

#define MXD_ACCOUNT_COLUMNS                                                                  \
  "SELECT a.user_id, a.guest, a.locked, a.suspended, a.deactivated,"                         \
  " a.password_hash IS NOT NULL, a.service_id, a.created_ms, d.last_seen_ms, d.device_count" \
  " FROM matrix_devices.accounts AS a CROSS JOIN LATERAL (SELECT max(last_seen_ms) AS"       \
  " last_seen_ms, count(*) AS device_count FROM matrix_devices.devices AS d"                 \
  " WHERE d.account = a.account) AS d"

constexpr Statement kReadOne{MXD_ACCOUNT_COLUMNS
                             " WHERE a.account = $1::bigint AND a.user_id = $2::text"};

constexpr Statement kReadPage{MXD_ACCOUNT_COLUMNS
                              " WHERE a.user_id > $1::text ORDER BY a.user_id LIMIT $2::bigint"};

constexpr Statement kChange{
    "SELECT matrix_devices.change_account($1::bigint, $2::text, $3::boolean, $4::boolean,"
    " $5::boolean)"};

constexpr Statement kSetPassword{
    "SELECT matrix_devices.set_password($1::bigint, $2::text, $3::text, $4::boolean)"};

AccountRow read_row(const Rows& rows, int row) {
  constexpr std::pair<int, uint32_t> kFlags[] = {{1, MXD_STORE_ACCOUNT_GUEST},
                                                 {2, MXD_STORE_ACCOUNT_LOCKED},
                                                 {3, MXD_STORE_ACCOUNT_SUSPENDED},
                                                 {4, MXD_STORE_ACCOUNT_DEACTIVATED},
                                                 {5, MXD_STORE_ACCOUNT_HAS_PASSWORD}};
  uint32_t flags = rows.is_null(row, 6) ? 0u : MXD_STORE_ACCOUNT_APPSERVICE;
  for (const auto& [column, flag] : kFlags)
    flags |= rows.flag(row, column) ? flag : 0u;
  return {flags,
          rows.integer(row, 7),
          rows.optional_integer(row, 8).value_or(-1),
          rows.integer(row, 9),
          std::string(rows.text(row, 0)),
          std::string(rows.text(row, 6))};
}

Outcome insert_account(Store& store, const NewAccount& account) {
  const Database::Reply reply = store.database.run(
      Kind::kWrite, kAdd,
      Parameters(store.account_of(account.user_id), account.user_id, account.password_hash,
                 account.is_guest, account.service_id, store.now_ms()));
  if (!succeeded(reply.outcome.status)) return reply.outcome;
  return reply.rows.affected() != 0 ? Outcome{} : name_is_taken(account.user_id);
}

}  // namespace

Outcome with_named_account(const Store& store, std::string_view name, Attempt attempt) {
  const std::optional<UserName> meant = read_user_name(name, store.server_name);
  if (!meant) return no_account(name);
  bool is_there = true;
  Outcome outcome = attempt(store.account_of(meant->exact), meant->exact, is_there);
  if (is_there || !succeeded(outcome.status)) return outcome;
  if (meant->lower != meant->exact) {
    is_there = true;
    outcome = attempt(store.account_of(meant->lower), meant->lower, is_there);
    if (is_there || !succeeded(outcome.status)) return outcome;
  }
  return no_account(name);
}

Outcome find_account(Store& store, int64_t number, const std::string& user_id,
                     std::optional<Account>& account) {
  const Database::Reply reply = store.database.run(Kind::kRead, kFind, Parameters(number, user_id));
  account.reset();
  if (!succeeded(reply.outcome.status) || reply.rows.empty()) return reply.outcome;
  account = Account{number, user_id, std::nullopt, reply.rows.flag(0, 1)};
  if (!reply.rows.is_null(0, 0)) account->password_hash = std::string(reply.rows.text(0, 0));
  return {};
}

Outcome require_account(Store& store, std::string_view name, std::optional<Account>& account) {
  return with_named_account(store, name,
                            [&](int64_t number, const std::string& user_id, bool& is_there) {
                              Outcome outcome = find_account(store, number, user_id, account);
                              is_there = account.has_value();
                              return outcome;
                            });
}

void Store::resolve_name(std::string_view name, Done<mxd_store_user> done) {
  std::optional<UserName> meant = read_user_name(name, server_name);
  if (!meant) {
    const Outcome refused = nobodys_name(server_name);
    return done.refuse(refused.status, refused.text);
  }
  const auto answer = [done](const std::string& user_id) {
    mxd_store_user user{};
    user.size = sizeof user;
    copy_terminated(user.user_id, user_id);
    done.answer(user);
  };
  if (meant->exact == meant->lower) return answer(meant->lower);
  const auto names = std::make_shared<const UserName>(*std::move(meant));
  database.ask(
      Kind::kRead, kIsThere, Parameters(account_of(names->exact), names->exact),
      [names, answer](const Rows& rows) { answer(rows.empty() ? names->lower : names->exact); },
      [done](int32_t status) noexcept {
        done.refuse(status, "the database can't be asked just now: try again");
      });
}

Outcome Store::add_account(const mxd_store_new_account& given, std::string& user_id) {
  NewAccount account;
  Outcome outcome = read_new_account(*this, given, account);
  if (!succeeded(outcome.status)) return outcome;
  user_id = account.user_id;
  if (given.password.size != 0) {
    // Before the password is hashed, which costs most.
    std::optional<Account> found;
    outcome = postgres::find_account(*this, account_of(user_id), user_id, found);
    if (!succeeded(outcome.status)) return outcome;
    if (found) return name_is_taken(user_id);
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
  const auto read = [this](std::string_view last, std::vector<AccountRow>& page) {
    const Database::Reply reply =
        database.run(Kind::kRead, kReadPage, Parameters(text_part(last), kRowsAPage));
    for (int row = 0; succeeded(reply.outcome.status) && row < reply.rows.count(); ++row)
      page.push_back(read_row(reply.rows, row));
    return reply.outcome;
  };
  return visit_pages<AccountRow>(after, read, visit);
}

Outcome Store::find_account(std::string_view name,
                            absl::FunctionRef<int32_t(const mxd_store_account&)> visit) {
  std::optional<AccountRow> found;
  Outcome outcome = with_named_account(
      *this, name, [&](int64_t number, const std::string& user_id, bool& is_there) {
        const Database::Reply reply =
            database.run(Kind::kRead, kReadOne, Parameters(number, user_id));
        if (succeeded(reply.outcome.status) && !reply.rows.empty()) found = read_row(reply.rows, 0);
        is_there = found.has_value();
        return reply.outcome;
      });
  return succeeded(outcome.status) ? Outcome{visit(found->record()), {}} : outcome;
}

Outcome Store::change_account(const mxd_store_account_change& given) {
  const auto change = [&](uint32_t flag) -> std::optional<bool> {
    if ((given.set & flag) != 0) return true;
    if ((given.clear & flag) != 0) return false;
    return std::nullopt;
  };
  const bool deactivates = (given.set & MXD_STORE_ACCOUNT_DEACTIVATED) != 0;
  return with_named_account(
      *this, text(given.name), [&](int64_t number, const std::string& user_id, bool& is_there) {
        const Database::Reply reply =
            database.run(deactivates ? Kind::kLongWrite : Kind::kWrite, kChange,
                         Parameters(number, user_id, change(MXD_STORE_ACCOUNT_LOCKED),
                                    change(MXD_STORE_ACCOUNT_SUSPENDED), deactivates));
        is_there = !succeeded(reply.outcome.status) || reply.rows.flag(0, 0);
        return reply.outcome;
      });
}

Outcome Store::set_password(std::string_view name, std::string_view password, bool signs_out) {
  std::optional<std::string> hash;
  Outcome hashed = hash_new_password(passwords, password, hash);
  if (!succeeded(hashed.status)) return hashed;
  return with_named_account(
      *this, name, [&](int64_t number, const std::string& user_id, bool& is_there) -> Outcome {
        const Database::Reply reply =
            database.run(signs_out ? Kind::kLongWrite : Kind::kWrite, kSetPassword,
                         Parameters(number, user_id, hash, signs_out));
        if (!succeeded(reply.outcome.status)) return reply.outcome;
        is_there = !reply.rows.is_null(0, 0);
        if (is_there && reply.rows.integer(0, 0) == MXD_FORBIDDEN) {
          return account_is_deactivated(user_id);
        }
        return {};
      });
}

Outcome Store::check_password(std::string_view name, std::string_view password,
                              std::string& user_id) {
  std::optional<Account> account;
  Outcome found = require_account(*this, name, account);
  if (!succeeded(found.status) && found.status != MXD_NOT_FOUND) return found;
  const bool may_log_in = account && !account->is_deactivated;
  Outcome compared =
      compare_password(passwords, may_log_in ? account->password_hash : std::nullopt, password);
  if (succeeded(compared.status)) user_id = account->user_id;
  return compared;
}

}  // namespace mxd::store::postgres
