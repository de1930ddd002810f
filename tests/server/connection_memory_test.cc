// Memory of connections: where it lies, and when it is given back.
#include "bindings/server/http/connection_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "bindings/server/http/spare_memory.h"

namespace mxd::test {
namespace {

using server::ConnectionAllocator;
using server::ConnectionMemory;
using server::SpareMemory;

constexpr size_t kBlock = 1000;
constexpr size_t kMany = 2000;  // several pieces

class ConnectionMemoryTest : public testing::Test {
 protected:
  std::vector<void*> take_many() {
    std::vector<void*> blocks;
    for (size_t i = 0; i < kMany; ++i) {
      blocks.push_back(memory.take(kBlock));
      std::memset(blocks.back(), static_cast<int>(i % 251), kBlock);
    }
    return blocks;
  }

  ConnectionMemory memory;
};

TEST_F(ConnectionMemoryTest, BlocksAreApart) {
  const std::vector<void*> blocks = take_many();
  for (size_t i = 0; i < kMany; ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(blocks[i]);
    for (size_t at : {size_t{0}, kBlock - 1})
      ASSERT_EQ(bytes[at], i % 251) << "block " << i;
  }
  for (void* block : blocks)
    memory.give_back(block);
}

TEST_F(ConnectionMemoryTest, WhatWasGivenBackIsTakenAgain) {
  const std::vector<void*> blocks = take_many();
  memory.give_back(blocks[7]);
  memory.give_back(blocks[kMany - 1]);
  const std::set<void*> again{memory.take(kBlock), memory.take(kBlock)};
  EXPECT_EQ(again, (std::set<void*>{blocks[7], blocks[kMany - 1]}));
  for (void* block : blocks)
    memory.give_back(block);
}

TEST_F(ConnectionMemoryTest, OnePieceStaysWhenAllHaveGone) {
  for (void* block : take_many())
    memory.give_back(block);
  EXPECT_EQ(memory.pieces(), 1u);
}

TEST_F(ConnectionMemoryTest, APieceStaysWithTheLastOfItsBlocks) {
  std::vector<void*> blocks = take_many();
  const size_t pieces = memory.pieces();
  ASSERT_GE(pieces, 4u);
  void* const first = blocks.front();
  for (size_t i = 1; i < kMany; ++i)
    memory.give_back(blocks[i]);
  EXPECT_EQ(memory.pieces(), 1u) << "that of the first";
  EXPECT_EQ(*static_cast<unsigned char*>(first), 0);
  memory.give_back(first);
}

TEST_F(ConnectionMemoryTest, SharedPointersLieThere) {
  {
    const auto shared =
        std::allocate_shared<std::vector<int>>(ConnectionAllocator<std::vector<int>>(memory), 3);
    EXPECT_EQ(memory.pieces(), 1u);
    EXPECT_EQ(shared->size(), 3u);
  }
  EXPECT_EQ(memory.pieces(), 1u);
}

TEST(SpareMemory, IsGivenBackWhenMostHaveGone) {
  SpareMemory spare;
  EXPECT_FALSE(spare.give_back(0));
  EXPECT_FALSE(spare.give_back(10'000));
  EXPECT_FALSE(spare.give_back(6000)) << "they may come back";
  EXPECT_TRUE(spare.give_back(5000));
  EXPECT_FALSE(spare.give_back(4500)) << "it was given back a moment ago";
  EXPECT_TRUE(spare.give_back(0));
  EXPECT_FALSE(spare.give_back(0));
}

TEST(SpareMemory, IsNotGivenBackForFew) {
  SpareMemory spare;
  EXPECT_FALSE(spare.give_back(900));
  EXPECT_FALSE(spare.give_back(0));
}

}  // namespace
}  // namespace mxd::test
