// Large bodies stay where they were received; and whatever is received, it is the same body.
#include <gtest/gtest.h>

#include <string>

#include "http_calls.h"

namespace creche::http {
namespace {

using creche::test::MemoryTransport;
using test::Caller;
using test::CallFixture;
using test::MemoryH1Opener;

using Fixture = CallFixture<MemoryH1Opener>;

std::string Pattern(size_t size) {
  std::string body(size, ' ');
  for (size_t i = 0; i < size; i++) body[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return body;
}

std::string Sized(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Chunked(const std::string& body, size_t chunk) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < body.size(); at += chunk) {
    const std::string piece = body.substr(at, chunk);
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", piece.size());
    answer += size + piece + "\r\n";
  }
  return answer + "0\r\n\r\n";
}

bool Lies(std::string_view piece, std::string_view in) {
  return piece.data() >= in.data() && piece.data() + piece.size() <= in.data() + in.size();
}

TEST(LargeBodyTest, OneThatFitsStaysWhereItWasReceived) {
  Fixture f;
  const std::string body = Pattern(64 << 10);
  for (int i = 0; i < 3; i++) {
    Caller* caller = f.Start("http://host/");
    MemoryTransport& wire = f.wire();
    wire.reads.clear();
    wire.Feed(Sized(body));
    ASSERT_TRUE(caller->ended && !caller->error);
    const Buffer& got = caller->call->whole().bytes();
    EXPECT_EQ(got.view(), body);
    EXPECT_EQ(got.data()[got.size()], '\0');
    ASSERT_EQ(wire.reads.size(), 1u);
    EXPECT_TRUE(Lies(got.view(), wire.reads[0]));
  }
}

TEST(LargeBodyTest, OneThatComesInPiecesStaysToo) {
  Fixture f;
  const std::string body = Pattern(64 << 10);
  const std::string answer = Sized(body);
  Caller* caller = f.Start("http://host/");
  f.wire().Feed(answer.substr(0, 20'000));
  f.wire().Feed(answer.substr(20'000));
  ASSERT_TRUE(caller->ended && !caller->error);
  const Buffer& got = caller->call->whole().bytes();
  EXPECT_EQ(got.view(), body);
  ASSERT_EQ(f.wire().reads.size(), 2u);
  EXPECT_TRUE(Lies(f.wire().reads[1], got.view()));
}

TEST(LargeBodyTest, OfALargerOneLittleIsCopied) {
  Fixture f;
  const std::string body = Pattern(300 << 10);
  for (int i = 0; i < 2; i++) {
    Caller* caller = f.Start("http://host/");
    f.wire().reads.clear();
    f.wire().Feed(Sized(body));
    ASSERT_TRUE(caller->ended && !caller->error);
    const std::string_view got = caller->call->whole().bytes().view();
    EXPECT_EQ(got, body);
    ASSERT_EQ(f.wire().reads.size(), 2u);
    EXPECT_TRUE(Lies(f.wire().reads[1], got));
    if (i == 0) continue;
    EXPECT_LE(f.wire().reads[0].size(), 16u << 10) << "by now it is known how large they are";
  }
}

TEST(LargeBodyTest, ASmallOneKeepsNoMoreMemoryThanItNeeds) {
  Fixture f;
  for (const size_t size : {1u << 10, 20u << 10, 40u << 10}) {
    Caller* caller = f.Start("http://host/");
    f.wire().Feed(Sized(Pattern(size)));
    ASSERT_TRUE(caller->ended && !caller->error);
    EXPECT_LE(caller->call->whole().bytes().capacity(), size + 128);
  }
}

// A stream: who waits for much gets what was received.
TEST(LargeBodyTest, AStreamIsReceivedForWhoWaits) {
  Fixture f;
  const std::string body = Pattern(1 << 20);
  Caller* caller = f.Start(test::Get("http://host/"), true);
  MemoryTransport& wire = f.wire();
  wire.Feed(Sized(body).substr(0, Sized(body).size() - body.size()));
  ASSERT_TRUE(caller->stream);
  constexpr size_t kCapacity = 64 << 10;
  for (size_t at = 0; at < body.size(); at += kCapacity) {
    caller->call->SetAwaited(kCapacity);
    wire.reads.clear();
    wire.Feed(body.substr(at, kCapacity));
    ASSERT_EQ(wire.reads.size(), 1u);
    Buffer piece;
    ASSERT_TRUE(caller->stream->Take(kCapacity, &piece));
    EXPECT_EQ(piece.view(), body.substr(at, kCapacity));
    EXPECT_TRUE(Lies(piece.view(), wire.reads[0]));
  }
  EXPECT_TRUE(caller->ended && !caller->error);
  caller->stream->End();
  EXPECT_TRUE(caller->stream->finished());
}

// What came while nobody waited stays in the pieces that it was received in, too.
TEST(LargeBodyTest, PiecesOfAStreamAreNotPutTogether) {
  Fixture f;
  const std::string body = Pattern(200 << 10);
  Caller* caller = f.Start(test::Get("http://host/"), true);
  MemoryTransport& wire = f.wire();
  wire.Feed(Sized(body));
  ASSERT_TRUE(caller->stream);
  std::string got;
  size_t whole = 0;
  for (size_t reads = 0; got.size() < body.size() && reads < 100; reads++) {
    Buffer piece;
    if (caller->stream->Take(64 << 10, &piece)) {
      for (const std::string_view read : wire.reads) whole += Lies(piece.view(), read);
    } else {
      const size_t room = caller->stream->Worth(64 << 10);
      size_t size = 0;
      char* into = piece.Reserve(room);
      ASSERT_NE(into, nullptr);
      ASSERT_FALSE(caller->stream->Read(into, room, &size).bad());
      piece.Commit(size);
    }
    got += piece.view();
  }
  EXPECT_TRUE(got == body);
  EXPECT_GE(whole, 2u);
}

// However it is framed, cut and read.
TEST(LargeBodyTest, IsTheSameHoweverItComes) {
  uint64_t state = 1;
  const auto random = [&](size_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state >> 33) % n);
  };
  for (int round = 0; round < 300; round++) {
    Fixture f;
    const bool stream = random(2) == 0;
    const std::string body = Pattern(random(2) == 0 ? random(300'000) : 60'000 + random(12'000));
    const size_t framing = random(3);
    const std::string answer = framing == 0   ? Sized(body)
                               : framing == 1 ? Chunked(body, 1 + random(120'000))
                                              : "HTTP/1.1 200 OK\r\n\r\n" + body;
    Caller* caller = f.Start(test::Get("http://host/"), stream);
    MemoryTransport& wire = f.wire();
    std::string got;
    const auto read = [&] {
      while (caller->stream) {
        const size_t capacity = 1 + random(100'000);
        Buffer piece;
        if (!caller->stream->Take(capacity, &piece)) {
          size_t size = 0;
          char* into = piece.Reserve(capacity);
          ASSERT_NE(into, nullptr);
          ASSERT_FALSE(caller->stream->Read(into, capacity, &size).bad());
          piece.Commit(size);
        }
        if (piece.empty()) return;
        got += piece.view();
        if (!caller->ended) caller->call->SetAwaited(random(2) == 0 ? 0 : capacity);
      }
    };
    const size_t cut = random(3) == 0 ? 1 + random(2000) : 1 + random(200'000);
    for (size_t at = 0; at < answer.size(); at += cut) {
      wire.Feed(answer.substr(at, cut));
      if (random(2) == 0) read();
    }
    if (framing == 2 && !caller->ended) wire.FeedEnd();
    for (int i = 0; !caller->ended && i < 1000; i++) read(), wire.Feed("");
    ASSERT_TRUE(caller->ended) << round;
    ASSERT_FALSE(caller->error) << round << caller->error->message();
    read();
    if (!stream) got = caller->call->whole().bytes().view();
    ASSERT_EQ(got.size(), body.size()) << round;
    ASSERT_TRUE(got == body) << round;
  }
}

}  // namespace
}  // namespace creche::http
