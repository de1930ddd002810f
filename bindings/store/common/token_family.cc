#include "bindings/store/common/token_family.h"

#include <sodium.h>

#include <array>

namespace mxd::store {
namespace {

constexpr size_t kNameBytes = 9;
constexpr size_t kRandomBytes = 18;
constexpr size_t kCodeBytes = crypto_generichash_BYTES_MIN;
static_assert(kNameBytes + kRandomBytes + kCodeBytes == kFamilyTokenBytes);

using Code = std::array<char, kCodeBytes>;

std::string random_bytes(size_t size) {
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

// Of all that stands before the code. An access token is no refresh token: the prefix is coded too.
Code code_of(std::string_view bytes, std::string_view prefix, std::string_view key) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                          kCodeBytes);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(prefix.data()),
                            prefix.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
  Code code;
  crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(code.data()), code.size());
  return code;
}

// With the account before them or, of tokens from before they named it, without.
std::optional<std::string> bytes_of_member(std::string_view token, std::string_view prefix) {
  std::optional<std::string> bytes = bytes_of_token(token, prefix);
  if (bytes && bytes->size() != kAccountBytes + kFamilyTokenBytes &&
      bytes->size() != kFamilyTokenBytes) {
    bytes.reset();
  }
  return bytes;
}

}  // namespace

TokenFamily TokenFamily::make() {
  return {random_bytes(kNameBytes), random_bytes(crypto_generichash_KEYBYTES)};
}

std::string TokenFamily::make_token(std::string_view prefix, int64_t account) const {
  std::string bytes = bytes_of_account(account) + name + random_bytes(kRandomBytes);
  const Code code = code_of(bytes, prefix, key);
  bytes.append(code.data(), code.size());
  return token_of(prefix, bytes);
}

bool TokenFamily::made(std::string_view token, std::string_view prefix) const {
  const std::optional<std::string> bytes = bytes_of_member(token, prefix);
  if (!bytes) return false;
  const size_t coded = bytes->size() - kCodeBytes;
  const Code code = code_of(std::string_view(*bytes).substr(0, coded), prefix, key);
  return sodium_memcmp(code.data(), bytes->data() + coded, code.size()) == 0;
}

std::optional<std::string> family_name_of(std::string_view token, std::string_view prefix) {
  const std::optional<std::string> bytes = bytes_of_member(token, prefix);
  if (!bytes) return std::nullopt;
  return bytes->substr(bytes->size() - kFamilyTokenBytes, kNameBytes);
}

}  // namespace mxd::store
