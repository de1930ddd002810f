// The callbacks of User-Interactive Authentication; what each promises stands in module.h.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bindings/store/common/password_stage.h"
#include "bindings/store/sqlite/accounts.h"
#include "bindings/store/sqlite/host_table.h"
#include "bindings/store/sqlite/sessions.h"

namespace mxd::store::sqlite {
namespace {

class CreateSession : public OperationWrite {
 public:
  CreateSession(Store& store, mxd_op op, const mxd_uia_session& session)
      : OperationWrite(store, op), session_(session) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns_nobody();
    create_session(connection, session_, store().now_ms());
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }  // a deletion begins with it

 private:
  const mxd_uia_session& session_;
};

class ReplaceSession : public OperationWrite {
 public:
  ReplaceSession(Store& store, mxd_op op, const mxd_uia_replacement& replacement)
      : OperationWrite(store, op), replacement_(replacement) {}

  int32_t run(WriteConnection& connection) override {
    connection.concerns_nobody();
    return replace_session(connection, replacement_) ? MXD_OK : MXD_CONFLICT;
  }
  bool is_one_statement() const override { return true; }
  bool may_use_reserve() const override { return true; }

 private:
  const mxd_uia_replacement& replacement_;
};

int32_t flows_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_operation* operation) noexcept {
  Store& store = store_of(host);
  return answer(store, op, "uia_flows", [&] {
    const ReadPool::Lease connection(store.readers);
    Query row(*connection,
              "SELECT 1 FROM accounts WHERE user_id = ?1 AND password_hash IS NOT NULL",
              text(operation->user_id));
    if (!row.next()) return MXD_OK;
    mxd_uia_stage stage{};
    stage.size = sizeof stage;
    stage.type = view(kPasswordStage);
    store.module().emit_stage(op, &stage);
    return MXD_OK;
  });
}

int32_t create_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                const mxd_uia_session* session) noexcept {
  return enqueue<CreateSession>(store_of(host), op, *session);
}

int32_t load_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                              const mxd_uia_session_key* key) noexcept {
  Store& store = store_of(host);
  return answer(store, op, "uia_load_session", [&] {
    const bool is_found =
        read_session(*ReadPool::Lease(store.readers), *key, store.now_ms(),
                     [&](const mxd_uia_kept& kept) { store.module().emit_session(op, &kept); });
    return is_found ? MXD_OK : MXD_NOT_FOUND;
  });
}

int32_t replace_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_uia_replacement* replacement) noexcept {
  return enqueue<ReplaceSession>(store_of(host), op, *replacement);
}

std::optional<Account> find_claimed_account(Store& store, const ClaimedUser& claimed) {
  const ReadPool::Lease connection(store.readers);
  if (claimed.medium.empty()) return find_named_account(store, *connection, claimed.name);
  std::string user_id;
  {
    Query row(*connection,
              "SELECT a.user_id FROM user_threepids t JOIN accounts a USING (account)"
              " WHERE t.medium = ?1 AND t.address = ?2",
              claimed.medium, claimed.address);
    if (!row.next()) return std::nullopt;
    user_id = std::string(row.text(0));
  }
  return find_account(*connection, user_id);
}

// OK: the operation will be completed by a password thread.
int32_t check_password_later(Store& store, mxd_op op, const mxd_uia_attempt& attempt,
                             const ClaimedUser& claimed) {
  const std::optional<Account> account = find_claimed_account(store, claimed);
  // What is not to be let in is compared with no hash, at the same cost.
  const bool may_prove = account && !account->is_locked && !account->is_deactivated;
  std::optional<std::string> hash;
  if (may_prove) hash = account->password_hash;
  std::string user_id = may_prove ? account->user_id : std::string();
  const bool is_queued = store.passwords.submit(
      [&store, op, &attempt, hash = std::move(hash), user_id = std::move(user_id)] {
        const std::optional<bool> is_right = verify_password(hash, text(attempt.password));
        if (!is_right) store.log.failure("uia_check", "no memory to hash a password");
        complete_password_stage(store.module(), op, is_right, user_id);
      });
  return is_queued ? MXD_OK : MXD_UNAVAILABLE;
}

int32_t check_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_attempt* attempt) noexcept {
  Store& store = store_of(host);
  std::optional<StageAnswer> at_once;
  const int32_t status = guarded(store, "uia_check", [&] {
    ClaimedUser claimed;
    at_once = read_attempt(*attempt, claimed);
    return at_once ? MXD_OK : check_password_later(store, op, *attempt, claimed);
  });
  if (at_once) complete_stage(store.module(), op, *at_once);
  return status;
}

}  // namespace

void fill_uia_callbacks(mxd_host& host) {
  host.uia_flows = flows_callback;
  host.uia_create_session = create_session_callback;
  host.uia_load_session = load_session_callback;
  host.uia_replace_session = replace_session_callback;
  host.uia_check = check_callback;
}

}  // namespace mxd::store::sqlite
