#include "bindings/store/common/account_key.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace mxd::store {

static_assert(AccountKey::kBytes == crypto_shorthash_siphash24_KEYBYTES);
static_assert(crypto_shorthash_siphash24_BYTES == sizeof(int64_t));

AccountKey AccountKey::make() {
  std::array<char, kBytes> key;
  randombytes_buf(key.data(), key.size());
  return AccountKey({key.data(), key.size()});
}

AccountKey::AccountKey(std::string_view key) : key_{} {
  std::copy_n(key.begin(), std::min(key.size(), kBytes), key_.begin());
}

int64_t AccountKey::account_of(std::string_view user_id) const {
  const int64_t hash = hash_of(user_id);
  return hash != 0 ? hash : 1;
}

int64_t AccountKey::hash_of(std::string_view text) const {
  std::array<unsigned char, sizeof(int64_t)> bytes;
  crypto_shorthash_siphash24(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                             text.size(), reinterpret_cast<const unsigned char*>(key_.data()));
  uint64_t number = 0;  // little-endian everywhere: a database may move to another machine
  for (size_t i = bytes.size(); i-- > 0;)
    number = number << 8 | bytes[i];
  int64_t hash;
  std::memcpy(&hash, &number, sizeof hash);
  return hash;
}

}  // namespace mxd::store
