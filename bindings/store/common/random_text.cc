#include "bindings/store/common/random_text.h"

#include <sodium.h>

namespace mxd::store {
namespace {

constexpr size_t kTokenBytes = 32;

std::string random_base64() {
  std::array<unsigned char, kTokenBytes> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(kTokenBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)>
      text;
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}

}  // namespace

Digest digest_of(std::string_view bytes) {
  static_assert(std::tuple_size_v<Digest> == crypto_hash_sha256_BYTES);
  Digest digest;
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digest;
}

std::string random_token(std::string_view prefix) {
  return std::string(prefix) + random_base64();
}

std::string random_letters(size_t size, char first) {
  std::string letters(size, first);
  for (char& letter : letters)
    letter = static_cast<char>(first + randombytes_uniform(26));
  return letters;
}

}  // namespace mxd::store
