#include "bindings/store/common/token.h"

#include <sodium.h>

#include <algorithm>

namespace mxd::store {
namespace {

constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr size_t kMostBytes = kAccountBytes + std::max(kRandomTokenBytes, kFamilyTokenBytes);

}  // namespace

std::string random_token(std::string_view prefix, int64_t account) {
  std::string bytes = bytes_of_account(account);
  bytes.resize(kAccountBytes + kRandomTokenBytes);
  randombytes_buf(bytes.data() + kAccountBytes, kRandomTokenBytes);
  return token_of(prefix, bytes);
}

std::optional<int64_t> account_of_token(std::string_view token, std::string_view prefix) {
  const std::optional<std::string> bytes = bytes_of_token(token, prefix);
  if (!bytes || (bytes->size() != kAccountBytes + kRandomTokenBytes &&
                 bytes->size() != kAccountBytes + kFamilyTokenBytes)) {
    return std::nullopt;
  }
  return account_of_bytes(*bytes);
}

std::string bytes_of_account(int64_t account) {
  std::string bytes(kAccountBytes, '\0');
  auto rest = static_cast<uint64_t>(account);
  for (size_t i = kAccountBytes; i-- > 0; rest >>= 8)
    bytes[i] = static_cast<char>(rest & 0xff);
  return bytes;
}

int64_t account_of_bytes(std::string_view bytes) {
  uint64_t account = 0;
  for (const char byte : bytes.substr(0, kAccountBytes))
    account = account << 8 | static_cast<unsigned char>(byte);
  return static_cast<int64_t>(account);
}

std::string token_of(std::string_view prefix, std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kBase64);
  text.pop_back();  // the terminator
  return std::string(prefix) + text;
}

std::optional<std::string> bytes_of_token(std::string_view token, std::string_view prefix) {
  if (!token.starts_with(prefix)) return std::nullopt;
  token.remove_prefix(prefix.size());
  std::string bytes(kMostBytes, '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), token.data(),
                        token.size(), nullptr, &size, nullptr, kBase64) != 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace mxd::store
