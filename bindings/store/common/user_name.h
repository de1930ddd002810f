// User names as people type them, and the user IDs that they mean. accounts.md, T3
#ifndef MXD_BINDINGS_STORE_COMMON_USER_NAME_H
#define MXD_BINDINGS_STORE_COMMON_USER_NAME_H

#include <optional>
#include <string>
#include <string_view>

namespace mxd::store {

// What a name may mean: the account of its exact spelling or, where there is none, the one in lower
// case. Both are full user IDs.
struct UserName {
  std::string exact;
  std::string lower;
};

// `typed` is a localpart or a user ID: "alice", "@Alice", "@alice:EXAMPLE.org". The server name is
// compared without case. Nothing, if it can't be of this server: another server's, too long, or
// with something in it that no user ID has.
std::optional<UserName> read_user_name(std::string_view typed, std::string_view server_name);

// The grammar of new localparts, and the one of old that application services may still use.
// Specification, appendices, "User Identifiers" and "Historical User IDs".
bool is_valid_localpart(std::string_view localpart);
bool is_historical_localpart(std::string_view localpart);

// Between the `@` and the first colon of a user ID.
std::string_view localpart_of(std::string_view user_id);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_USER_NAME_H
