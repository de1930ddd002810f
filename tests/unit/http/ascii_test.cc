#include "module/http/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace mxd::http {
namespace {

// One way of looking through a text, and what it is to find, byte by byte.
struct Search {
  const char* what;
  bool (*has_none)(std::string_view);
  bool (*is_found)(unsigned char);
};

const Search kSearches[] = {
    {"not ASCII", has_none<find_non_ascii>, [](unsigned char c) { return c > 0x7F; }},
    {"not ASCII, or U+0000", has_none<find_non_ascii_or_nul>,
     [](unsigned char c) { return c > 0x7F || c == 0; }},
    {"not visible", has_none<find_invisible>,
     [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }},
    {"unfit for JSON", has_none<find_unfit_for_json>,
     [](unsigned char c) { return c < 0x20 || c >= 0x7F || c == '"' || c == '\\'; }},
};

constexpr size_t kLongest = 26;  // bytes: three words, and some more

TEST(HasNone, EveryByteInEveryPlaceOfEveryLength) {
  for (const Search& search : kSearches) {
    for (size_t size = 0; size <= kLongest; ++size) {
      EXPECT_TRUE(search.has_none(std::string(size, 'a'))) << search.what << ", " << size;
      for (size_t at = 0; at < size; ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string text(size, 'a');
          text[at] = static_cast<char>(byte);
          ASSERT_EQ(search.has_none(text), !search.is_found(static_cast<unsigned char>(byte)))
              << search.what << ": byte " << byte << " at " << at << " of " << size;
        }
      }
    }
  }
}

TEST(HasNone, NoByteTouchesTheNextOne) {
  // Any two, side by side and in turn: neither hides the other, nor makes it look like what it is
  // not.
  for (const Search& search : kSearches) {
    for (int one = 0; one < 256; ++one) {
      for (int other = 0; other < 256; ++other) {
        const std::string pair = {static_cast<char>(one), static_cast<char>(other)};
        const bool none = !search.is_found(static_cast<unsigned char>(one)) &&
                          !search.is_found(static_cast<unsigned char>(other));
        ASSERT_EQ(search.has_none(pair), none) << search.what << ": " << one << ", " << other;
        ASSERT_EQ(search.has_none("aaa" + pair + "aaa"), none)
            << search.what << ": " << one << ", " << other;
        ASSERT_EQ(search.has_none(pair + pair + pair + pair), none)
            << search.what << ": " << one << ", " << other;
      }
    }
  }
}

TEST(HasNone, LooksAtNothingBesideTheText) {
  for (const Search& search : kSearches) {
    for (size_t before = 0; before <= 8; ++before) {
      for (size_t size = 0; size <= kLongest; ++size) {
        const std::string strange =
            std::string(before, '\xFF') + std::string(size, 'a') + std::string(8, '\0');
        EXPECT_TRUE(search.has_none(std::string_view(strange).substr(before, size)))
            << search.what << ": " << size << " bytes after " << before;
      }
    }
  }
}

}  // namespace
}  // namespace mxd::http
