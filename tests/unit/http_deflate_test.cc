#include "http/websocket/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "http/auth/auth_memory.h"

namespace creche::http {
namespace {

// Inflates with a window of `bits`, a byte at a time, so that what lies further back is not found.
bool Inflates(const std::string& coded, int bits, std::string* plain) {
  z_stream z{};
  if (inflateInit2(&z, -bits) != Z_OK) return false;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
  z.avail_in = static_cast<uInt>(coded.size());
  int result = Z_OK;
  while (result == Z_OK) {
    char byte = 0;
    z.next_out = reinterpret_cast<Bytef*>(&byte);
    z.avail_out = 1;
    result = inflate(&z, Z_SYNC_FLUSH);
    if (z.avail_out == 0) plain->push_back(byte);
  }
  inflateEnd(&z);
  return result == Z_BUF_ERROR;
}

// A window of 8 bits, which zlib has not.
TEST(Deflate, RefersToWhatIsInTheWindow) {
  std::string message;
  uint32_t random = 1;
  for (size_t period = 3; period < 600; period += 7) {
    std::string piece;
    for (size_t i = 0; i < period; i++)
      piece += static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < 3; i++) message += piece;
  }
  for (int bits = 8; bits <= 15; bits++) {
    MessageDeflater deflater(bits, true);
    std::string coded;
    std::string two;
    for (int i = 0; i < 2; i++) {
      ASSERT_TRUE(deflater.Message(message, &coded));
      coded.append("\x00\x00\xff\xff", 4);
      two += message;
    }
    std::string plain;
    EXPECT_TRUE(Inflates(coded, bits, &plain)) << bits;
    EXPECT_TRUE(plain == two) << bits;
  }
}

TEST(AuthMemory, ForgetsOneForAnother) {
  AuthMemory memory;
  for (size_t i = 0; i <= AuthMemory::kMost; i++) memory.Keep(std::to_string(i), Digest());
  EXPECT_EQ(memory.digests.size(), AuthMemory::kMost);
  const std::string there = memory.digests.begin()->first;
  for (int i = 0; i < 2; i++) memory.Keep(there, Digest());
  EXPECT_EQ(memory.digests.size(), AuthMemory::kMost);
}

}  // namespace
}  // namespace creche::http
