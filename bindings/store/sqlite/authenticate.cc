#include "bindings/store/sqlite/authenticate.h"

#include <cstring>
#include <memory>
#include <string_view>

#include "bindings/store/common/random_text.h"
#include "bindings/store/common/text.h"
#include "bindings/store/sqlite/connection.h"
#include "bindings/store/sqlite/last_seen_write.h"
#include "bindings/store/sqlite/token_families.h"

namespace mxd::store::sqlite {
namespace {

using Found = absl::FunctionRef<void(const Authenticated&)>;

// The place of a digest, which nobody can choose.
uint64_t hash_of(const Digest& digest) {
  uint64_t hash;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

// Lets in, or not, whose token was found.
int32_t let_in(Store& store, const TokenOwner& owner, const mxd_credentials& credentials,
               int64_t now_ms, Found found) {
  if (owner.expires_ms && *owner.expires_ms <= now_ms) return MXD_TOKEN_EXPIRED;  // A5
  if (owner.is_locked) return MXD_USER_LOCKED;                                    // A6
  Authenticated result{};
  result.principal.size = sizeof result.principal;
  result.principal.flags = owner.flags;
  result.principal.validated_ms = owner.validated_ms;
  result.principal.user_id = view(owner.user_id);
  result.principal.device_id = view(owner.device_id);
  result.is_suspended = owner.is_suspended;  // A7
  result.new_pair = owner.new_pair;
  found(result);
  note_last_seen(store.last_seen, store.writer, owner.device, owner.last_seen_ms,
                 text(credentials.remote_addr), now_ms);
  return MXD_OK;
}

TokenOwner read_owner(const Query& row) {
  TokenOwner owner{};
  if (row.integer(0) != 0) owner.flags |= MXD_PRINCIPAL_OAUTH;
  owner.expires_ms = row.optional_integer(1);
  if (!row.is_null(3)) owner.new_pair = row.integer(2);
  owner.device = row.integer(4);
  owner.device_id = row.text(5);
  owner.last_seen_ms = row.optional_integer(6);
  if (!row.is_null(7)) {
    owner.flags |= MXD_PRINCIPAL_HAS_VALIDATED_MS;
    owner.validated_ms = row.integer(7);
  }
  owner.user_id = row.text(8);
  if (row.integer(9) != 0) owner.flags |= MXD_PRINCIPAL_GUEST;
  owner.is_locked = row.integer(10) != 0;
  owner.is_suspended = row.integer(11) != 0;
  owner.account = row.integer(12);
  return owner;
}

int32_t authenticate_user(Store& store, const Digest& digest, const mxd_credentials& credentials,
                          Found found) {
  const int64_t now_ms = store.now_ms();
  const Memory::Moment now = store.memory.now();
  const auto [kept, is_asked_again] =
      store.memory.find_owner(bytes_of(digest), hash_of(digest), now);
  if (kept != nullptr) return let_in(store, kept->owner, credentials, now_ms, found);

  const ReadPool::Lease connection(store.readers);
  Query row(*connection,
            "SELECT t.oauth, t.expires_ms, t.pair, p.replaces, d.device, d.device_id,"
            " d.last_seen_ms, d.validated_ms, a.user_id, a.guest, a.locked, a.suspended,"
            " a.account FROM access_tokens t JOIN devices d USING (device)"
            " JOIN accounts a USING (account) LEFT JOIN token_pairs p USING (pair)"
            " WHERE t.digest = ?1 AND d.device > a.gone_through",
            Blob{bytes_of(digest)});
  if (!row.next()) {
    return was_token(*connection, text(credentials.access_token), kAccessTokenPrefix)
               ? MXD_TOKEN_EXPIRED   // A4a
               : MXD_UNKNOWN_TOKEN;  // A4
  }
  const TokenOwner owner = read_owner(row);
  const int64_t user = store.account_key.account_of(owner.user_id);
  store.known_accounts.note(user, owner.account);
  if (is_asked_again) {
    store.memory.keep_owner(bytes_of(digest), hash_of(digest), now, static_cast<uint64_t>(user),
                            std::make_shared<RememberedOwner>(owner));
  }
  return let_in(store, owner, credentials, now_ms, found);
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
  const Digest digest = digest_of(text(credentials.access_token));
  const Service* const service = store.services.find_token(digest);
  if (service != nullptr) return authenticate_service(store, *service, credentials, found);
  return authenticate_user(store, digest, credentials, found);
}

}  // namespace mxd::store::sqlite
