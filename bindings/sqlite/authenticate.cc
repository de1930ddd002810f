#include "bindings/sqlite/authenticate.h"

#include <string_view>

#include "bindings/sqlite/connection.h"
#include "bindings/sqlite/random_text.h"
#include "bindings/sqlite/text.h"
#include "bindings/sqlite/token_family.h"

namespace mxd::sqlite {
namespace {

using Found = absl::FunctionRef<void(const Authenticated&)>;

int32_t authenticate_user(Store& store, const mxd_credentials& credentials, Found found) {
  const int64_t now_ms = store.now_ms();
  const ReadPool::Lease connection(store.readers);
  Query row(*connection,
            "SELECT t.access_token, t.oauth, t.expires_ms, t.pair, p.replaces, d.device,"
            " d.device_id, d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked,"
            " a.suspended FROM access_tokens t JOIN devices d USING (device)"
            " JOIN accounts a USING (account) LEFT JOIN token_pairs p USING (pair)"
            " WHERE t.digest = ?1 AND d.device > a.gone_through",
            Blob{bytes_of(digest_of(text(credentials.access_token)))});
  if (!row.next()) {
    return was_token(*connection, text(credentials.access_token), kAccessTokenPrefix)
               ? MXD_TOKEN_EXPIRED   // A4a
               : MXD_UNKNOWN_TOKEN;  // A4
  }
  if (!row.is_null(2) && row.integer(2) <= now_ms) return MXD_TOKEN_EXPIRED;  // A5
  if (row.integer(11) != 0) return MXD_USER_LOCKED;                           // A6

  Authenticated result{};
  mxd_principal& principal = result.principal;
  principal.size = sizeof principal;
  principal.cookie = static_cast<mxd_cookie>(row.integer(0));
  principal.user_id = view(row.text(9));
  principal.device_id = view(row.text(6));
  if (row.integer(10) != 0) principal.flags |= MXD_PRINCIPAL_GUEST;
  if (row.integer(1) != 0) principal.flags |= MXD_PRINCIPAL_OAUTH;
  if (!row.is_null(8)) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = row.integer(8);
  }
  result.is_suspended = row.integer(12) != 0;  // A7
  if (!row.is_null(4)) result.new_pair = row.integer(3);
  found(result);
  store.last_seen.note(store.writer, row.integer(5), row.optional_integer(7),
                       text(credentials.remote_addr), now_ms);
  return MXD_OK;
}

int32_t authenticate_service(Store& store, const Service& service,
                             const mxd_credentials& credentials, Found found) {
  const std::string_view user_id = (credentials.flags & MXD_CREDENTIALS_HAS_USER_ID) != 0
                                       ? text(credentials.user_id)  // A10
                                       : service.sender;            // A9
  if (!service.covers(user_id)) return MXD_FORBIDDEN;               // A11
  std::optional<std::string_view> device_id;
  if ((credentials.flags & MXD_CREDENTIALS_HAS_DEVICE_ID) != 0) {
    device_id = text(credentials.device_id);
  }
  const ReadPool::Lease connection(store.readers);
  Query row(*connection,
            "SELECT a.locked, a.suspended, d.device, d.last_seen_ms FROM accounts a"
            " LEFT JOIN devices d ON d.account = a.account AND d.device_id = ?2"
            " AND d.device > a.gone_through WHERE a.user_id = ?1 AND NOT a.deactivated",
            user_id, device_id);
  if (!row.next()) return MXD_FORBIDDEN;                       // A11: not registered
  if (row.integer(0) != 0) return MXD_USER_LOCKED;             // A6
  if (device_id && row.is_null(2)) return MXD_UNKNOWN_DEVICE;  // A13

  Authenticated result{};
  mxd_principal& principal = result.principal;
  principal.size = sizeof principal;
  // P6: "the sender is excluded" from limits.
  const bool is_unlimited = service.is_unlimited || user_id == service.sender;
  principal.flags = MXD_PRINCIPAL_APPSERVICE | (is_unlimited ? MXD_PRINCIPAL_UNLIMITED : 0u);
  principal.user_id = view(user_id);
  if (device_id) principal.device_id = view(*device_id);
  principal.token_id = view(service.id);
  principal.service_id = view(service.id);
  result.is_suspended = row.integer(1) != 0;
  found(result);
  if (device_id) {
    store.last_seen.note(store.writer, row.integer(2), row.optional_integer(3),
                         text(credentials.remote_addr),
                         store.now_ms());  // A12
  }
  return MXD_OK;
}

}  // namespace

int32_t authenticate(Store& store, const mxd_credentials& credentials, Found found) {
  const Service* const service = store.services.find_token(text(credentials.access_token));
  if (service != nullptr) return authenticate_service(store, *service, credentials, found);
  return authenticate_user(store, credentials, found);
}

}  // namespace mxd::sqlite
