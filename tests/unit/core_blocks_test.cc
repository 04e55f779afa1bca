// Blocks: what a loop's thread keeps.
#include "core/blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace creche {
namespace {

// One that is given back.
void* TakeAndGive(size_t size) {
  void* block = Blocks::Take(size);
  std::memset(block, 1, size);
  Blocks::Give(block, size);
  return block;
}

#ifndef __SANITIZE_ADDRESS__  // which is to see each use of what was given back
TEST(Blocks, GivesWhatWasGivenBack) {
  Blocks blocks;
  Blocks::UseHere(&blocks);
  std::vector<void*> taken;
  for (int i = 0; i < 100; i++) taken.push_back(Blocks::Take(700));
  const std::set<void*> all(taken.begin(), taken.end());
  for (void* block : taken) Blocks::Give(block, 700);
  // 700 and 704 bytes are of one size.
  for (int i = 0; i < 100; i++) {
    void* block = Blocks::Take(704);
    EXPECT_TRUE(all.contains(block));
    taken[static_cast<size_t>(i)] = block;
  }
  EXPECT_EQ(std::set<void*>(taken.begin(), taken.end()).size(), 100u) << "each once";
  for (void* block : taken) Blocks::Give(block, 704);
  void* larger = Blocks::Take(705);
  EXPECT_FALSE(all.contains(larger));
  Blocks::Give(larger, 705);
  Blocks::UseHere(nullptr);
}

TEST(Blocks, KeepsSomeThatAreReceivedIn) {
  Blocks blocks;
  Blocks::UseHere(&blocks);
  constexpr size_t kMany = 20;
  std::vector<void*> taken;
  for (size_t i = 0; i < kMany; i++) taken.push_back(Blocks::Take(Blocks::kReceive));
  const std::set<void*> all(taken.begin(), taken.end());
  EXPECT_EQ(all.size(), kMany);
  for (void* block : taken) Blocks::Give(block, Blocks::kReceive);
  void* const last = taken[7];  // of those that are kept
  void* other = Blocks::Take(Blocks::kReceive - 64);
  EXPECT_NE(other, last);
  Blocks::Give(other, Blocks::kReceive - 64);
  void* again = Blocks::Take(Blocks::kReceive);
  EXPECT_EQ(again, last);
  Blocks::Give(again, Blocks::kReceive);
  Blocks::UseHere(nullptr);
}
#endif

TEST(Blocks, OfAnySizeOnAnyThread) {
  for (const size_t size :
       {size_t{1}, size_t{64}, size_t{65}, size_t{2048}, size_t{2049}, Blocks::kReceive})
    TakeAndGive(size);
  Blocks::Give(nullptr, 10);
  Blocks blocks;
  Blocks::UseHere(&blocks);
  for (const size_t size :
       {size_t{1}, size_t{64}, size_t{65}, size_t{2048}, size_t{2049}, Blocks::kReceive})
    TakeAndGive(size);
  Blocks::Give(nullptr, 10);
  void* here = Blocks::Take(100);
  std::thread([here] { Blocks::Give(here, 100); }).join();
  Blocks::UseHere(nullptr);
  // What is more than it keeps goes, and all when it ends: LeakSanitizer would see it.
  Blocks::UseHere(&blocks);
  std::vector<void*> many;
  for (int i = 0; i < 1000; i++) many.push_back(Blocks::Take(1024));
  for (void* block : many) Blocks::Give(block, 1024);
  Blocks::UseHere(nullptr);
}

TEST(Blocks, ForContainers) {
  std::vector<int, BlockAllocator<int>> numbers;
  for (int i = 0; i < 5000; i++) numbers.push_back(i);
  for (int i = 0; i < 5000; i++) EXPECT_EQ(numbers[static_cast<size_t>(i)], i);
  EXPECT_THROW(BlockAllocator<int>().allocate(SIZE_MAX / 2), std::bad_alloc);
}

}  // namespace
}  // namespace creche
