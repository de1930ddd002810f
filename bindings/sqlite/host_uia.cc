// The callbacks of User-Interactive Authentication; what each promises stands in module.h.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bindings/sqlite/accounts.h"
#include "bindings/sqlite/credentials.h"
#include "bindings/sqlite/host_table.h"
#include "bindings/sqlite/random_text.h"
#include "bindings/sqlite/sessions.h"
#include "bindings/sqlite/text.h"

namespace mxd::sqlite {
namespace {

constexpr std::string_view kPasswordStage = "m.login.password";
constexpr std::string_view kDummyStage = "m.login.dummy";

class CreateSession : public OperationWrite {
 public:
  CreateSession(Store& store, mxd_op op, const mxd_session& session)
      : OperationWrite(store, op), session_(session), id_(random_session_id()) {}

  int32_t run(Connection& connection) override {
    create_session(connection, session_, id_, store().now_ms());
    return MXD_OK;
  }
  bool may_use_reserve() const override { return true; }  // a deletion begins with it

 private:
  int32_t emit(int32_t status) noexcept override {
    module().emit_session_id(op(), view(id_));
    return status;
  }

  const mxd_session& session_;
  const std::string id_;
};

class Record : public OperationWrite {
 public:
  Record(Store& store, mxd_op op, const mxd_uia_record& record)
      : OperationWrite(store, op), record_(record) {}

  int32_t run(Connection& connection) override {
    const int64_t now_ms = store().now_ms();
    if (!record_stage(connection, record_, now_ms)) return MXD_NOT_FOUND;
    return copy_.read(connection, text(record_.session_id), now_ms) ? MXD_OK : MXD_NOT_FOUND;
  }
  bool may_use_reserve() const override { return true; }

 private:
  int32_t emit(int32_t status) noexcept override {
    copy_.emit(module(), op());
    return status;
  }

  const mxd_uia_record& record_;
  SessionCopy copy_;
};

int32_t flows_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_operation* operation) noexcept {
  Store& store = store_of(host);
  return answer(store, op, "uia_flows", [&] {
    const ReadPool::Lease connection(store.readers);
    Query row(*connection,
              "SELECT 1 FROM accounts WHERE user_id = ?1 AND password_hash IS NOT NULL",
              text(operation->user_id));
    if (row.next()) store.module->emit_flow_stage(op, 0, view(kPasswordStage));
    return MXD_OK;
  });
}

int32_t create_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                const mxd_session* session) noexcept {
  return enqueue<CreateSession>(store_of(host), op, *session);
}

int32_t load_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                              mxd_view session_id) noexcept {
  Store& store = store_of(host);
  return answer(store, op, "uia_load_session", [&] {
    const bool is_found = read_session(
        *ReadPool::Lease(store.readers), text(session_id), store.now_ms(),
        [&](const mxd_session& session) { store.module->emit_session(op, &session); },
        [&](std::string_view type, std::string_view identity) {
          store.module->emit_completed_stage(op, view(type), view(identity));
        });
    return is_found ? MXD_OK : MXD_NOT_FOUND;
  });
}

int32_t record_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                        const mxd_uia_record* record) noexcept {
  return enqueue<Record>(store_of(host), op, *record);
}

std::optional<Account> find_account_of(Store& store, const PasswordCredentials& credentials) {
  const ReadPool::Lease connection(store.readers);
  if (credentials.medium.empty()) {
    return find_named_account(store, *connection, credentials.user);
  }
  std::string user_id;
  {
    Query row(*connection,
              "SELECT a.user_id FROM user_threepids t JOIN accounts a USING (account)"
              " WHERE t.medium = ?1 AND t.address = ?2",
              credentials.medium, credentials.address);
    if (!row.next()) return std::nullopt;
    user_id = std::string(row.text(0));
  }
  return find_account(*connection, user_id);
}

void complete_password(const mxd_module& module, mxd_op op, std::optional<bool> is_right,
                       const std::string& user_id) noexcept {
  if (!is_right) {
    module.complete(op, MXD_UNAVAILABLE);  // H6
  } else if (*is_right) {
    module.emit_identity(op, view(user_id));
    module.complete(op, MXD_OK);
  } else {
    module.emit_reason(op, view("Wrong user name or password."));
    module.complete(op, MXD_REFUSED);
  }
}

// OK: the operation will be completed by a password thread.
int32_t check_password_later(Store& store, mxd_op op, const PasswordCredentials& credentials) {
  const std::optional<Account> account = find_account_of(store, credentials);
  // What is not to be let in is compared with no hash, at the same cost.
  const bool may_prove = account && !account->is_locked && !account->is_deactivated;
  std::optional<std::string> hash;
  if (may_prove) hash = account->password_hash;
  std::string user_id = may_prove ? account->user_id : std::string();
  const bool is_queued =
      store.passwords.submit([&store, op, password = credentials.password, hash = std::move(hash),
                              user_id = std::move(user_id)] {
        const std::optional<bool> is_right = verify_password(hash, password->bytes());
        if (!is_right) store.log.failure("uia_check", "no memory to hash a password");
        complete_password(*store.module, op, is_right, user_id);
      });
  return is_queued ? MXD_OK : MXD_UNAVAILABLE;
}

int32_t check_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_attempt* attempt) noexcept {
  Store& store = store_of(host);
  const std::string_view type = text(attempt->type);
  if (type == kDummyStage) {
    store.module->complete(op, MXD_OK);
    return MXD_OK;
  }
  if (type != kPasswordStage) {
    store.module->emit_reason(op, view("This server has no such stage."));
    store.module->complete(op, MXD_REFUSED);
    return MXD_OK;
  }
  const char* reason = nullptr;
  const int32_t status = guarded(store, "uia_check", [&] {
    PasswordCredentials credentials;
    reason = parse_password_credentials(text(attempt->auth_json), credentials);
    return reason == nullptr ? check_password_later(store, op, credentials) : MXD_BAD_DATA;
  });
  if (reason == nullptr) return status;
  store.module->emit_reason(op, view(reason));
  store.module->complete(op, MXD_BAD_DATA);
  return MXD_OK;
}

}  // namespace

void fill_uia_callbacks(mxd_host& host) {
  host.uia_flows = flows_callback;
  host.uia_create_session = create_session_callback;
  host.uia_load_session = load_session_callback;
  host.uia_check = check_callback;
  host.uia_record = record_callback;
}

}  // namespace mxd::sqlite
