#include "module/memory/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "module/memory/output_buffer.h"

namespace mxd::memory {
namespace {

bool is_aligned(const void* address, size_t alignment) {
  return reinterpret_cast<uintptr_t>(address) % alignment == 0;
}

TEST(Arena, StartsWithoutMemory) {
  Arena arena;
  EXPECT_FALSE(arena.holds_memory());
  EXPECT_EQ(arena.copy(""), "");
  EXPECT_FALSE(arena.holds_memory()) << "nothing needs no memory";
}

TEST(Arena, AlignsEveryAllocation) {
  Arena arena;
  for (const size_t alignment : {1, 2, 4, 8, 16, 64, 256, 4096}) {
    for (const size_t size : {1, 3, 17, 1000}) {
      void* got = arena.allocate(size, alignment);
      EXPECT_TRUE(is_aligned(got, alignment)) << size << " at " << alignment;
      std::memset(got, 0xAB, size);
    }
  }
}

TEST(Arena, AllocationsDoNotOverlap) {
  Arena arena;
  std::vector<std::string_view> copies;
  std::vector<std::string> originals;
  for (int i = 0; i < 2000; ++i) {
    originals.push_back(std::string(static_cast<size_t>(i % 97), static_cast<char>('a' + i % 26)));
    copies.push_back(arena.copy(originals.back()));
  }
  for (size_t i = 0; i < copies.size(); ++i)
    ASSERT_EQ(copies[i], originals[i]) << i;
}

TEST(Arena, TakesMoreThanABlock) {
  Arena arena;
  const std::string large(10 * Arena::kFirstBlock, 'x');
  const auto copy = arena.copy(large);
  EXPECT_EQ(copy, large);
  EXPECT_EQ(arena.copy("small"), "small");
  EXPECT_EQ(copy, large) << "what came later lies elsewhere";
}

TEST(Arena, ResetKeepsTheFirstBlock) {
  Arena arena;
  void* const first = arena.allocate(100);
  arena.allocate(5 * Arena::kFirstBlock);
  arena.reset();
  EXPECT_TRUE(arena.holds_memory());
  EXPECT_EQ(arena.allocate(100), first) << "the same memory again";
}

TEST(Arena, ResetAfterOnlyALargeBlock) {
  Arena arena;
  arena.allocate(5 * Arena::kFirstBlock);
  arena.reset();
  EXPECT_FALSE(arena.holds_memory()) << "a block out of the ordinary is not kept";
  EXPECT_NE(arena.allocate(8), nullptr);
}

TEST(Arena, ReleaseFreesEverything) {
  Arena arena;
  arena.allocate(100);
  arena.release();
  EXPECT_FALSE(arena.holds_memory());
  EXPECT_NE(arena.allocate(100), nullptr) << "and may be used again";
}

TEST(Arena, RefusesWhatCannotBe) {
  Arena arena;
  EXPECT_THROW(arena.allocate(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(arena.allocate(SIZE_MAX - 4096), std::bad_alloc);
  EXPECT_THROW(arena.make_array<uint64_t>(SIZE_MAX / 4), std::bad_alloc);
  EXPECT_NE(arena.allocate(8), nullptr) << "and works afterwards";
}

TEST(Arena, MakesValues) {
  Arena arena;
  struct Pair {
    int a;
    int b;
  };
  const auto* pair = arena.make<Pair>(1, 2);
  EXPECT_EQ(pair->a, 1);
  EXPECT_EQ(pair->b, 2);
  EXPECT_TRUE(is_aligned(arena.make_array<double>(3), alignof(double)));
}

TEST(OutputBuffer, Appends) {
  OutputBuffer out;
  EXPECT_EQ(out.view(), "");
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string part = std::to_string(i);
    out.append(part);
    expected += part;
  }
  out.append("");
  EXPECT_EQ(out.view(), expected);
  out.truncate(4);
  EXPECT_EQ(out.view(), "0123");
  out.append("x");
  EXPECT_EQ(out.view(), "0123x");
}

TEST(OutputBuffer, RoomIsUsedAsFarAsSaid) {
  OutputBuffer out;
  out.append("a");
  char* const room = out.room(10'000);
  std::memset(room, 'b', 10'000);
  out.advance(2);
  EXPECT_EQ(out.view(), "abb");
}

TEST(OutputBuffer, ResetKeepsAnOrdinaryBuffer) {
  OutputBuffer out;
  out.append("x");
  const char* const kept = out.view().data();
  out.reset();
  EXPECT_EQ(out.size(), 0u);
  out.append("y");
  EXPECT_EQ(out.view().data(), kept);
  out.append(std::string(2 * OutputBuffer::kKept, 'z'));
  out.reset();
  EXPECT_EQ(out.view().data(), nullptr) << "a large one is given back";
}

TEST(OutputBuffer, RefusesWhatCannotBe) {
  OutputBuffer out;
  out.append("x");
  EXPECT_THROW(out.room(SIZE_MAX), std::bad_alloc);
  EXPECT_EQ(out.view(), "x");
}

}  // namespace
}  // namespace mxd::memory
