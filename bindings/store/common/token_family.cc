#include "bindings/store/common/token_family.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace mxd::store {
namespace {

constexpr size_t kNameBytes = 9;
constexpr size_t kRandomBytes = 18;
constexpr size_t kCodeBytes = crypto_generichash_BYTES_MIN;
constexpr size_t kCodedBytes = kNameBytes + kRandomBytes;  // what the code is over
constexpr size_t kBytes = kCodedBytes + kCodeBytes;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

using Bytes = std::array<unsigned char, kBytes>;

std::string random_bytes(size_t size) {
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

// An access token is no refresh token: the prefix is coded too.
std::array<unsigned char, kCodeBytes> code_of(const Bytes& bytes, std::string_view prefix,
                                              std::string_view key) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                          kCodeBytes);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(prefix.data()),
                            prefix.size());
  crypto_generichash_update(&state, bytes.data(), kCodedBytes);
  std::array<unsigned char, kCodeBytes> code;
  crypto_generichash_final(&state, code.data(), code.size());
  return code;
}

std::optional<Bytes> bytes_of_token(std::string_view token, std::string_view prefix) {
  if (!token.starts_with(prefix)) return std::nullopt;
  token.remove_prefix(prefix.size());
  Bytes bytes;
  size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), token.data(), token.size(), nullptr, &size,
                        nullptr, kBase64) != 0 ||
      size != bytes.size()) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

TokenFamily TokenFamily::make() {
  return {random_bytes(kNameBytes), random_bytes(crypto_generichash_KEYBYTES)};
}

std::string TokenFamily::make_token(std::string_view prefix) const {
  Bytes bytes;
  std::copy(name.begin(), name.end(), bytes.begin());
  randombytes_buf(bytes.data() + kNameBytes, kRandomBytes);
  const auto code = code_of(bytes, prefix, key);
  std::copy(code.begin(), code.end(), bytes.begin() + kCodedBytes);
  std::array<char, sodium_base64_ENCODED_LEN(kBytes, kBase64)> text;
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kBase64);
  return std::string(prefix) + text.data();
}

bool TokenFamily::made(std::string_view token, std::string_view prefix) const {
  const std::optional<Bytes> bytes = bytes_of_token(token, prefix);
  if (!bytes) return false;
  const auto code = code_of(*bytes, prefix, key);
  return sodium_memcmp(code.data(), bytes->data() + kCodedBytes, code.size()) == 0;
}

std::optional<std::string> family_name_of(std::string_view token, std::string_view prefix) {
  const std::optional<Bytes> bytes = bytes_of_token(token, prefix);
  if (!bytes) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes->data()), kNameBytes);
}

}  // namespace mxd::store
