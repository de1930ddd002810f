#include "bindings/store/sqlite/authenticate.h"

#include <string_view>

#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/last_seen_write.h"
#include "bindings/store/sqlite/token_families.h"

namespace mxd::store::sqlite {
namespace {

using Found = absl::FunctionRef<void(const Authenticated&)>;

int32_t authenticate_user(Store& store, const mxd_credentials& credentials, Found found) {
  const int64_t now_ms = store.now_ms();
  const ReadPool::Lease connection(store.readers);
  Query row(*connection,
            "SELECT t.oauth, t.expires_ms, t.pair, p.replaces, d.device, d.device_id,"
            " d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked, a.suspended FROM "
            "access_tokens t JOIN devices d USING (device)"
            " JOIN accounts a USING (account) LEFT JOIN token_pairs p USING (pair)"
            " WHERE t.digest = ?1 AND d.device > a.gone_through",
            Blob{bytes_of(digest_of(text(credentials.access_token)))});
  if (!row.next()) {
    return was_token(*connection, text(credentials.access_token), kAccessTokenPrefix)
               ? MXD_TOKEN_EXPIRED   // A4a
               : MXD_UNKNOWN_TOKEN;  // A4
  }
  if (!row.is_null(1) && row.integer(1) <= now_ms) return MXD_TOKEN_EXPIRED;  // A5
  if (row.integer(10) != 0) return MXD_USER_LOCKED;                           // A6

  Authenticated result{};
  mxd_principal& principal = result.principal;
  principal.size = sizeof principal;
  principal.user_id = view(row.text(8));
  principal.device_id = view(row.text(5));
  if (row.integer(9) != 0) principal.flags |= MXD_PRINCIPAL_GUEST;
  if (row.integer(0) != 0) principal.flags |= MXD_PRINCIPAL_OAUTH;
  if (!row.is_null(7)) {
    principal.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    principal.validated_ms = row.integer(7);
  }
  result.is_suspended = row.integer(11) != 0;  // A7
  if (!row.is_null(3)) result.new_pair = row.integer(2);
  found(result);
  note_last_seen(store.last_seen, store.writer, row.integer(4), row.optional_integer(6),
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
    note_last_seen(store.last_seen, store.writer, row.integer(2), row.optional_integer(3),
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

}  // namespace mxd::store::sqlite
