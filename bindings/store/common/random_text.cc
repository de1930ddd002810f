#include "bindings/store/common/random_text.h"

#include <sodium.h>

namespace mxd::store {
Digest digest_of(std::string_view bytes) {
  static_assert(std::tuple_size_v<Digest> == crypto_hash_sha256_BYTES);
  Digest digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digest;
}

std::string random_letters(size_t size, char first) {
  std::string letters(size, first);
  for (char& letter : letters)
    letter = static_cast<char>(first + randombytes_uniform(26));
  return letters;
}

}  // namespace mxd::store
