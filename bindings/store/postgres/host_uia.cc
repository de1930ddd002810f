// The callbacks of User-Interactive Authentication; what each promises stands in module.h.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bindings/store/common/password_stage.h"
#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"
#include "bindings/store/common/token.h"
#include "bindings/store/common/user_name.h"
#include "bindings/store/postgres/host_table.h"

namespace mxd::store::postgres {
namespace {

constexpr Statement kFindPassword{
    "SELECT FROM matrix_devices.accounts WHERE account = $1::bigint AND password_hash IS NOT NULL"};

// A device's and a token's ID may be the same text.
constexpr Statement kCreateSession{
    "SELECT matrix_devices.create_session($1::bigint, $2::bytea,"
    " CASE WHEN $3::text <> '' THEN 'd' || $3::text ELSE 't' || $4::text END,"
    " $5::bigint, $6::bytea, $7::bigint, $8::bigint)"};

constexpr Statement kLoadSession{
    "SELECT revision, state FROM matrix_devices.uia_sessions"
    " WHERE account = $1::bigint AND id_digest = $2::bytea AND expires_ms > $3::bigint"};

constexpr Statement kReplaceSession{
    "UPDATE matrix_devices.uia_sessions SET state = $4::bytea, expires_ms = $5::bigint,"
    " finished = $6::boolean, revision = revision + 1"
    " WHERE account = $1::bigint AND id_digest = $2::bytea AND revision = $3::bigint"};

// What is not to be let in is compared with no hash. The account of the exact spelling comes first.
constexpr Statement kFindNamed{
    "SELECT user_id, CASE WHEN NOT locked AND NOT deactivated THEN password_hash END"
    " FROM matrix_devices.accounts WHERE account IN ($1::bigint, $2::bigint)"
    " ORDER BY account <> $1::bigint LIMIT 1"};

constexpr Statement kFindAddressed{
    "SELECT a.user_id, CASE WHEN NOT a.locked AND NOT a.deactivated THEN a.password_hash END"
    " FROM matrix_devices.user_threepids AS t JOIN matrix_devices.accounts AS a USING (account)"
    " WHERE t.medium = $1::text AND t.address = $2::text"};

// ---- The ID of a session: whose it is, and what the module proposed ----

constexpr size_t kAccountLetters = 11;

std::string session_id_of(int64_t account, std::string_view proposed) {
  return token_of("", bytes_of_account(account)) + std::string(proposed);
}

// Nothing: no session has this ID.
std::optional<int64_t> account_of_session(std::string_view id) {
  const std::optional<std::string> bytes = bytes_of_token(id.substr(0, kAccountLetters), "");
  if (!bytes || bytes->size() != kAccountBytes) return std::nullopt;
  return account_of_bytes(*bytes);
}

// ---- The callbacks ----

int32_t flows_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_operation* operation) noexcept {
  return question(host, op, "uia_flows", [&](Store& store) {
    return ask(store, op, Kind::kRead, kFindPassword,
               Parameters(store.account_of(text(operation->user_id))),
               [&store, op](const Rows& rows) {
                 if (rows.empty()) return MXD_OK;
                 mxd_uia_stage stage{};
                 stage.size = sizeof stage;
                 stage.type = view(kPasswordStage);
                 store.module().emit_stage(op, &stage);
                 return MXD_OK;
               });
  });
}

int32_t create_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                const mxd_uia_session* session) noexcept {
  return question(host, op, "uia_create_session", [&](Store& store) {
    const int64_t account = store.account_of(text(session->user_id));
    std::string id = session_id_of(account, text(session->proposed_id));
    auto digest = std::make_unique<Digest>(digest_of(id));
    const Parameters parameters(account, Bytes{bytes_of(*digest)}, text(session->device_id),
                                text(session->token_id), session->expires_ms,
                                Bytes{text(session->state)}, int64_t{session->max_live},
                                store.now_ms());
    return ask(store, op, Kind::kWrite, kCreateSession, parameters,
               [&store, op, id = std::move(id), digest = std::move(digest)](const Rows&) {
                 store.module().emit_session_id(op, view(id));
                 return MXD_OK;
               });
  });
}

int32_t load_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                              const mxd_uia_session_key* key) noexcept {
  return question(host, op, "uia_load_session", [&](Store& store) -> int32_t {
    const std::optional<int64_t> account = account_of_session(text(key->session_id));
    if (!account) return MXD_NOT_FOUND;
    auto digest = std::make_unique<Digest>(digest_of(text(key->session_id)));
    const Parameters parameters(*account, Bytes{bytes_of(*digest)}, store.now_ms());
    return ask(store, op, Kind::kRead, kLoadSession, parameters,
               [&store, op, digest = std::move(digest)](const Rows& rows) {
                 if (rows.empty()) return MXD_NOT_FOUND;
                 const mxd_uia_kept kept{sizeof(mxd_uia_kept), 0, rows.integer(0, 0),
                                         view(rows.text(0, 1))};
                 store.module().emit_session(op, &kept);
                 return MXD_OK;
               });
  });
}

int32_t replace_session_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                                 const mxd_uia_replacement* replacement) noexcept {
  return question(host, op, "uia_replace_session", [&](Store& store) -> int32_t {
    const std::optional<int64_t> account = account_of_session(text(replacement->session_id));
    if (!account) return MXD_NOT_FOUND;
    auto digest = std::make_unique<Digest>(digest_of(text(replacement->session_id)));
    const Parameters parameters(*account, Bytes{bytes_of(*digest)}, replacement->revision,
                                Bytes{text(replacement->state)}, replacement->expires_ms,
                                (replacement->flags & MXD_UIA_FINISHED) != 0);
    return ask(store, op, Kind::kWrite, kReplaceSession, parameters,
               [digest = std::move(digest)](const Rows& rows) {
                 return rows.affected() != 0 ? MXD_OK : MXD_CONFLICT;
               });
  });
}

// The operation will be completed by a password thread. Nobody of that name: at the same cost.
void check_password_later(Store& store, mxd_op op, const mxd_uia_attempt& attempt,
                          std::optional<std::string> hash, std::string user_id) {
  const bool is_queued = store.passwords.submit(
      [&store, op, &attempt, hash = std::move(hash), user_id = std::move(user_id)] {
        const std::optional<bool> is_right = verify_password(hash, text(attempt.password));
        if (!is_right) store.log.failure("uia_check", "no memory to hash a password");
        complete_password_stage(store.module(), op, is_right, user_id);
      });
  if (!is_queued) store.module().complete(op, MXD_UNAVAILABLE);
}

void look_for(Store& store, mxd_op op, const mxd_uia_attempt& attempt, const Statement& statement,
              const Parameters& parameters, std::unique_ptr<ClaimedUser> claimed) {
  store.database.ask(
      Kind::kRead, statement, parameters,
      // `claimed` is what the parameters refer to.
      [&store, op, &attempt, claimed = std::move(claimed)](const Rows& rows) {
        std::optional<std::string> hash;
        if (!rows.empty() && !rows.is_null(0, 1)) hash = rows.text(0, 1);
        std::string user_id(hash ? rows.text(0, 0) : std::string_view());
        check_password_later(store, op, attempt, std::move(hash), std::move(user_id));
      },
      [&store, op](int32_t status) noexcept { store.module().complete(op, status); });
}

int32_t check_callback(mxd_cookie host, mxd_cookie, mxd_op op, mxd_cookie,
                       const mxd_uia_attempt* attempt) noexcept {
  return question(host, op, "uia_check", [&](Store& store) {
    auto claimed = std::make_unique<ClaimedUser>();
    if (const std::optional<StageAnswer> at_once = read_attempt(*attempt, *claimed)) {
      complete_stage(store.module(), op, *at_once);
      return MXD_OK;
    }
    if (!claimed->medium.empty()) {
      const Parameters parameters(claimed->medium, claimed->address);
      look_for(store, op, *attempt, kFindAddressed, parameters, std::move(claimed));
      return MXD_OK;
    }
    const std::optional<UserName> meant = read_user_name(claimed->name, store.server_name);
    if (meant) {
      const Parameters parameters(store.account_of(meant->exact), store.account_of(meant->lower));
      look_for(store, op, *attempt, kFindNamed, parameters, nullptr);
    } else {
      check_password_later(store, op, *attempt, std::nullopt, {});
    }
    return MXD_OK;
  });
}

}  // namespace

void fill_uia_callbacks(mxd_host& host) {
  host.uia_flows = flows_callback;
  host.uia_create_session = create_session_callback;
  host.uia_load_session = load_session_callback;
  host.uia_replace_session = replace_session_callback;
  host.uia_check = check_callback;
}

}  // namespace mxd::store::postgres
