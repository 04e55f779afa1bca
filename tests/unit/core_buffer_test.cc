#include "core/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace creche {
namespace {

TEST(Buffer, AppendsAndConsumes) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_TRUE(buffer.Append(nullptr, 0));
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_TRUE(buffer.Append("hello "));
  EXPECT_TRUE(buffer.Append("world"));
  EXPECT_EQ(buffer.view(), "hello world");
  buffer.Consume(6);
  EXPECT_EQ(buffer.view(), "world");
  buffer.Consume(5);
  EXPECT_TRUE(buffer.empty());
  EXPECT_GT(buffer.capacity(), 0u);
  EXPECT_TRUE(buffer.Append("again"));
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  buffer.Release();
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(Buffer, ReservesAndCommits) {
  Buffer buffer;
  char* room = buffer.Reserve(1000);
  ASSERT_NE(room, nullptr);
  EXPECT_GE(buffer.room(), 1000u);
  std::memset(room, 'x', 1000);
  buffer.Commit(1000);
  EXPECT_EQ(buffer.size(), 1000u);
  EXPECT_NE(buffer.Reserve(0), nullptr);
  EXPECT_EQ(buffer.size(), 1000u);
}

TEST(Buffer, UsesItsFrontAgainInsteadOfGrowing) {
  Buffer buffer;
  ASSERT_TRUE(buffer.Append(std::string(200, 'a')));
  const size_t capacity = buffer.capacity();
  std::string expected(200, 'a');
  for (int i = 0; i < 10'000; i++) {
    buffer.Consume(100);
    const std::string more(100, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(buffer.Append(more));
    expected = expected.substr(100) + more;
    ASSERT_EQ(buffer.view(), expected);
  }
  EXPECT_LE(buffer.capacity(), 2 * capacity);
}

TEST(Buffer, ReportsThatThereIsNoMemory) {
  Buffer buffer;
  ASSERT_TRUE(buffer.Append("kept"));
  EXPECT_EQ(buffer.Reserve(SIZE_MAX), nullptr);
  EXPECT_EQ(buffer.Reserve(SIZE_MAX / 2), nullptr);
  EXPECT_EQ(buffer.view(), "kept");
}

TEST(Buffer, Moves) {
  Buffer one;
  ASSERT_TRUE(one.Append("text"));
  Buffer two(std::move(one));
  EXPECT_EQ(two.view(), "text");
  Buffer three;
  ASSERT_TRUE(three.Append("old"));
  three = std::move(two);
  EXPECT_EQ(three.view(), "text");
}

}  // namespace
}  // namespace creche
