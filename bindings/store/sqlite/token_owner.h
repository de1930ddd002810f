// Whose an access token is.
#ifndef MXD_BINDINGS_STORE_SQLITE_TOKEN_OWNER_H
#define MXD_BINDINGS_STORE_SQLITE_TOKEN_OWNER_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mxd::store::sqlite {

// As the database has it. Refers to its texts.
struct TokenOwner {
  uint32_t flags;  // MXD_PRINCIPAL_…
  bool is_locked;
  bool is_suspended;
  int64_t account;  // its row
  int64_t device;   // likewise
  int64_t validated_ms;
  std::optional<int64_t> expires_ms;
  std::optional<int64_t> last_seen_ms;
  std::optional<int64_t> new_pair;  // used for the first time: delete_replaced_pair() is due
  std::string_view user_id;
  std::string_view device_id;
};

// With the texts.
struct RememberedOwner {
  explicit RememberedOwner(const TokenOwner& read)
      : user_id(read.user_id), device_id(read.device_id), owner(read) {
    owner.user_id = user_id;
    owner.device_id = device_id;
  }
  RememberedOwner(const RememberedOwner&) = delete;
  RememberedOwner& operator=(const RememberedOwner&) = delete;

  const std::string user_id;
  const std::string device_id;
  TokenOwner owner;
};

}  // namespace mxd::store::sqlite

#endif  // MXD_BINDINGS_STORE_SQLITE_TOKEN_OWNER_H
