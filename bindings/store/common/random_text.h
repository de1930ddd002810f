// Digests, and names that nobody can guess.
#ifndef MXD_BINDINGS_STORE_COMMON_RANDOM_TEXT_H
#define MXD_BINDINGS_STORE_COMMON_RANDOM_TEXT_H

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace mxd::store {

using Digest = std::array<char, 32>;

// SHA-256. Tokens and session IDs are kept as this: they have too many random bits to be guessed
// from it.
Digest digest_of(std::string_view bytes);

inline std::string_view bytes_of(const Digest& digest) {
  return {digest.data(), digest.size()};
}

// `size` letters of A to Z, or a to z.
std::string random_letters(size_t size, char first);

}  // namespace mxd::store

#endif  // MXD_BINDINGS_STORE_COMMON_RANDOM_TEXT_H
