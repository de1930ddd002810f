#include "bindings/store/postgres/authenticate.h"

#include <string_view>
#include <utility>

#include "bindings/store/common/text.h"
#include "bindings/store/common/token.h"
#include "bindings/store/common/token_family.h"

namespace mxd::store::postgres {
namespace {

using Asked = std::shared_ptr<Authentication>;

// One row, always: without a token it says whether it was one. OFFSET 0: the device is looked for
// once the token is known, never among all that the account has.
constexpr Statement kFindToken{
    "SELECT t.device_id, t.oauth, t.expires_ms, t.pair, CASE WHEN t.pair IS NOT NULL THEN"
    " (SELECT p.replaces FROM matrix_devices.token_pairs AS p"
    " WHERE p.account = $1::bigint AND p.pair = t.pair) END,"
    " d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked, a.suspended,"
    " CASE WHEN t.digest IS NULL THEN matrix_devices.lost_token($1::bigint, $2::bytea, $3::bytea)"
    " END"
    " FROM (VALUES (true)) AS one LEFT JOIN (matrix_devices.access_tokens AS t"
    " CROSS JOIN LATERAL (SELECT last_seen_ms, validated_ms FROM matrix_devices.devices"
    " WHERE account = $1::bigint AND device_id = t.device_id OFFSET 0) AS d"
    " JOIN matrix_devices.accounts AS a ON a.account = $1::bigint)"
    " ON t.account = $1::bigint AND t.digest = $2::bytea"};

enum TokenColumn {
  kDeviceId,
  kOauth,
  kExpires,
  kPair,
  kReplaces,
  kLastSeen,
  kValidated,
  kUserId,
  kGuest,
  kLocked,
  kSuspended,
  kLostToken
};

constexpr Statement kDeleteReplacedPair{
    "SELECT matrix_devices.delete_replaced_pair($1::bigint, $2::bigint)"};

constexpr Statement kFindUser{
    "SELECT a.locked, a.suspended, d.device_id IS NOT NULL, d.last_seen_ms"
    " FROM matrix_devices.accounts AS a LEFT JOIN matrix_devices.devices AS d"
    " ON d.account = $1::bigint AND d.device_id = $3::text"
    " WHERE a.account = $1::bigint AND a.user_id = $2::text AND NOT a.deactivated"};

template <class Answered>
void ask(const Asked& asked, Kind kind, const Statement& statement, const Parameters& parameters,
         Answered answered) {
  asked->store.database.ask(
      kind, statement, parameters,
      [asked, answered = std::move(answered)](const Rows& rows) { answered(asked, rows); },
      [asked](int32_t status) noexcept { asked->finish(status); });
}

void note_seen(const Authentication& asked, int64_t account, std::string_view device_id,
               std::optional<int64_t> written_ms) {
  const std::string_view address = text(asked.credentials.remote_addr);
  note_last_seen(asked.store.last_seen, asked.store.database, {account, std::string(device_id)},
                 written_ms, is_text(address) ? address : std::string_view(), asked.store.now_ms());
}

// ---- Of a user ----

int32_t refusal_of(const Authentication& asked, const Rows& rows) {
  if (rows.is_null(0, kDeviceId)) {
    const std::optional<std::string_view> key = rows.optional_text(0, kLostToken);
    if (!key) return MXD_UNKNOWN_TOKEN;  // A4
    const bool was_there =
        key->empty() || TokenFamily{*asked.family, std::string(*key)}.made(
                            text(asked.credentials.access_token), kAccessTokenPrefix);
    return was_there ? MXD_TOKEN_EXPIRED : MXD_UNKNOWN_TOKEN;  // A4a
  }
  const std::optional<int64_t> expires_ms = rows.optional_integer(0, kExpires);
  if (expires_ms && *expires_ms <= asked.store.now_ms()) return MXD_TOKEN_EXPIRED;  // A5
  return rows.flag(0, kLocked) ? MXD_USER_LOCKED : MXD_OK;                          // A6
}

void answer_user(const Asked& asked, int64_t account, const Rows& rows) {
  const int32_t refusal = refusal_of(*asked, rows);
  if (refusal != MXD_OK) return asked->finish(refusal);
  Authenticated result{};
  mxd_principal& principal = result.principal;
  principal.size = sizeof principal;
  principal.user_id = view(rows.text(0, kUserId));
  principal.device_id = view(rows.text(0, kDeviceId));
  if (rows.flag(0, kGuest)) principal.flags |= MXD_PRINCIPAL_GUEST;
  if (rows.flag(0, kOauth)) principal.flags |= MXD_PRINCIPAL_OAUTH;
  if (!rows.is_null(0, kValidated)) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = rows.integer(0, kValidated);
  }
  result.is_suspended = rows.flag(0, kSuspended);  // A7
  asked->found(result);
  note_seen(*asked, account, rows.text(0, kDeviceId), rows.optional_integer(0, kLastSeen));
  if (rows.is_null(0, kReplaces)) return asked->finish(MXD_OK);
  // A refreshed token is used for the first time: the one before it is dead before the request goes
  // on. Where that fails the token is good all the same, and its next use tries again.
  asked->store.database.ask(
      Kind::kWrite, kDeleteReplacedPair, Parameters(account, rows.integer(0, kPair)),
      [asked](const Rows&) { asked->finish(MXD_OK); },
      [asked](int32_t) noexcept { asked->finish(MXD_OK); });
}

void ask_user(const Asked& asked) {
  const std::string_view token = text(asked->credentials.access_token);
  const std::optional<int64_t> account = account_of_token(token, kAccessTokenPrefix);
  if (!account) return asked->finish(MXD_UNKNOWN_TOKEN);  // A4
  asked->family = family_name_of(token, kAccessTokenPrefix);
  std::optional<Bytes> family;
  if (asked->family) family = Bytes{*asked->family};
  ask(asked, Kind::kRead, kFindToken, Parameters(*account, Bytes{bytes_of(asked->digest)}, family),
      [account = *account](const Asked& by, const Rows& rows) { answer_user(by, account, rows); });
}

// ---- Of an application service ----

struct Masquerade {
  const Service& service;
  std::string_view user_id;
  std::optional<std::string_view> device_id;
};

void answer_service(const Asked& asked, int64_t account, const Masquerade& as, const Rows& rows) {
  if (rows.empty()) return asked->finish(MXD_FORBIDDEN);       // A11: not registered
  if (rows.flag(0, 0)) return asked->finish(MXD_USER_LOCKED);  // A6
  const bool has_device = rows.flag(0, 2);
  if (as.device_id && !has_device) return asked->finish(MXD_UNKNOWN_DEVICE);  // A13
  Authenticated result{};
  mxd_principal& principal = result.principal;
  principal.size = sizeof principal;
  // P6: "the sender is excluded" from limits.
  const bool is_unlimited = as.service.is_unlimited || as.user_id == as.service.sender;
  principal.flags = MXD_PRINCIPAL_APPSERVICE | (is_unlimited ? MXD_PRINCIPAL_UNLIMITED : 0u);
  principal.user_id = view(as.user_id);
  if (as.device_id) principal.device_id = view(*as.device_id);
  principal.token_id = view(as.service.id);
  principal.service_id = view(as.service.id);
  result.is_suspended = rows.flag(0, 1);
  asked->found(result);
  if (as.device_id) note_seen(*asked, account, *as.device_id, rows.optional_integer(0, 3));  // A12
  asked->finish(MXD_OK);
}

void ask_service(const Asked& asked, const Service& service) {
  const mxd_credentials& given = asked->credentials;
  Masquerade as{service, service.sender, std::nullopt};                                    // A9
  if ((given.flags & MXD_CREDENTIALS_HAS_USER_ID) != 0) as.user_id = text(given.user_id);  // A10
  if (!is_text(as.user_id) || !service.covers(as.user_id)) return asked->finish(MXD_FORBIDDEN);
  if ((given.flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0) {
    const std::string_view device_id = text(given.device_id);
    as.device_id = is_text(device_id) ? device_id : std::string_view("");  // no device has that ID
  }
  const int64_t account = asked->store.account_of(as.user_id);
  ask(asked, Kind::kRead, kFindUser, Parameters(account, as.user_id, as.device_id),
      [account, as](const Asked& by, const Rows& rows) { answer_service(by, account, as, rows); });
}

}  // namespace

void authenticate(const Asked& asked) {
  asked->digest = digest_of(text(asked->credentials.access_token));
  const Service* const service = asked->store.services.find_token(asked->digest);
  service != nullptr ? ask_service(asked, *service) : ask_user(asked);
}

}  // namespace mxd::store::postgres
