#include "bindings/sqlite/token_family.h"

#include <sodium.h>

#include <array>

#include "bindings/sqlite/random_text.h"

namespace mxd::sqlite {
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

bool is_of_family(Connection& connection, std::string_view base64, std::string_view prefix) {
  Bytes bytes;
  size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), base64.data(), base64.size(), nullptr, &size,
                        nullptr, kBase64) != 0 ||
      size != bytes.size()) {
    return false;
  }
  Query row(connection,
            "SELECT f.key FROM token_families f JOIN devices d USING (device)"
            " JOIN accounts a USING (account) WHERE f.name = ?1 AND d.device > a.gone_through",
            Blob{{reinterpret_cast<const char*>(bytes.data()), kNameBytes}});
  if (!row.next()) return false;
  const auto code = code_of(bytes, prefix, row.text(0));
  return sodium_memcmp(code.data(), bytes.data() + kCodedBytes, code.size()) == 0;
}

// One from before there were families.
bool is_old(Connection& connection, std::string_view token) {
  Query row(connection,
            "SELECT 1 FROM old_tokens t JOIN devices d USING (device)"
            " JOIN accounts a USING (account) WHERE t.digest = ?1 AND d.device > a.gone_through",
            Blob{bytes_of(digest_of(token))});
  return row.next();
}

}  // namespace

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

TokenFamily family_of(Connection& writer, int64_t device) {
  {
    Query row(writer, "SELECT name, key FROM token_families WHERE device = ?1", device);
    if (row.next()) return {std::string(row.text(0)), std::string(row.text(1))};
  }
  TokenFamily family{random_bytes(kNameBytes), random_bytes(crypto_generichash_KEYBYTES)};
  Query(writer, "INSERT INTO token_families (device, name, key) VALUES (?1, ?2, ?3)", device,
        Blob{family.name}, Blob{family.key})
      .execute();
  return family;
}

void end_family(Connection& writer, int64_t device) {
  Query(writer, "DELETE FROM token_families WHERE device = ?1", device).execute();
  Query(writer, "DELETE FROM old_tokens WHERE device = ?1", device).execute();
}

bool was_token(Connection& connection, std::string_view token, std::string_view prefix) {
  if (token.substr(0, prefix.size()) != prefix) return false;
  return is_of_family(connection, token.substr(prefix.size()), prefix) || is_old(connection, token);
}

}  // namespace mxd::sqlite
