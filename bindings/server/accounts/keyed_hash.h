// A hash that nobody outside can aim: for tables whose keys are made up by attackers.
#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace mxd::server {

class KeyedHash {
 public:
  KeyedHash() { crypto_shorthash_keygen(key_.data()); }

  // One hash over the other, so that the border between the two counts.
  uint64_t operator()(std::string_view first, std::string_view second) const {
    const std::array parts = {over(first.data(), first.size()), over(second.data(), second.size())};
    return over(parts.data(), sizeof parts);
  }

 private:
  uint64_t over(const void* data, size_t size) const {
    static_assert(crypto_shorthash_BYTES == sizeof(uint64_t));
    uint64_t result = 0;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&result),
                     static_cast<const unsigned char*>(data), size, key_.data());
    return result;
  }

  std::array<unsigned char, crypto_shorthash_KEYBYTES> key_{};
};

}  // namespace mxd::server
