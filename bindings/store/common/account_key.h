// Which account a user ID is of, without looking it up.
//
// Engines that spread their tables over shards begin every row with this number. A token, and the
// ID of a session, say whose they are by it too, so that they are looked for in one place.
#ifndef MXD_BINDINGS_STORE_COMMON_ACCOUNT_KEY_H
#define MXD_BINDINGS_STORE_COMMON_ACCOUNT_KEY_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mxd::store {

// The key of a database, random, kept in it, and taken along when it is copied. With it nobody
// finds two user IDs of one account: where that happens by chance, the second can't be registered.
class AccountKey {
 public:
  static constexpr size_t kBytes = 16;

  // Of a database that is made.
  static AccountKey make();

  // `key`: kBytes long.
  explicit AccountKey(std::string_view key);

  std::string_view bytes() const { return {key_.data(), key_.size()}; }

  // SipHash-2-4 of the user ID; never 0.
  int64_t account_of(std::string_view user_id) const;

  // The same hash of any text, for what lies in an account: the names of rate limits.
  int64_t hash_of(std::string_view text) const;

 private:
  std::array<char, kBytes> key_;
};

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_ACCOUNT_KEY_H
