#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mxd::http {

// Nearly all text that passes through here is ASCII: tokens, IDs, names. Whether a text is, and has
// nothing in it that needs care, is found out eight bytes at a time.
using Word = uint64_t;

// Eight times the same byte.
constexpr Word each(unsigned char byte) noexcept {
  return byte * Word{0x0101'0101'0101'0101};
}

// What is to be found in a word: not 0 exactly if some byte of it is. All bits but the highest of
// each byte are masked. Where no byte is above 0x7F, sums and differences carry into the next byte
// only from one that is found itself.

constexpr Word find_non_ascii(Word word) noexcept {
  return word & each(0x80);
}

constexpr Word find_non_ascii_or_nul(Word word) noexcept {
  return (word | (word - each(1))) & each(0x80);
}

// All but U+0021 to U+007E.
constexpr Word find_invisible(Word word) noexcept {
  return (word | (word + each(1)) | (word - each(0x21))) & each(0x80);
}

// What a JSON string may not show as it is, and U+007F.
constexpr Word find_unfit_for_json(Word word) noexcept {
  const Word control = (word + each(1)) | (word - each(0x20));
  const Word quote = (word ^ each('"')) - each(1);
  const Word backslash = (word ^ each('\\')) - each(1);
  return (word | control | quote | backslash) & each(0x80);
}

// The eight bytes at an address, in the processor's order: which is which does not matter here.
inline Word load_word(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// A text of 1 to 7 bytes as a word: each of them is in it, some twice.
inline Word short_word(std::string_view text) noexcept {
  const size_t size = text.size();
  if (size >= 4) {
    uint32_t first;
    uint32_t last;
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&last, text.data() + size - sizeof last, sizeof last);
    return Word{first} << 32 | last;
  }
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  return each(byte(0)) << 16 | Word{byte(size / 2)} << 8 | byte(size - 1);
}

// Whether `find`, one of those above, finds nothing in a text.
template <Word (*find)(Word) noexcept>
bool has_none(std::string_view text) noexcept {
  const char* at = text.data();
  size_t left = text.size();
  if (left < sizeof(Word)) return left == 0 || find(short_word(text)) == 0;
  for (; left > sizeof(Word); at += sizeof(Word), left -= sizeof(Word)) {
    if (find(load_word(at)) != 0) return false;
  }
  return find(load_word(at + left - sizeof(Word))) == 0;  // some bytes for the second time
}

}  // namespace mxd::http
