#include <gtest/gtest.h>

#include <string>

#include "http/h1/head_lines.h"
#include "http/h1/head_parser.h"
#include "http/h1/plain_head.h"

namespace creche::http {
namespace {

// As http_head_fuzz.cc does, over many more heads.
void BothSayTheSame(const std::string& input) {
  ResponseHead plain;
  const size_t taken = ReadPlainHead(input.data(), input.size(), 1 << 16, &plain);
  if (taken == 0) return;
  ResponseHead judged;
  HeadLines lines;
  HeadParser parser;
  lines.Begin(1 << 16, false);
  parser.Begin(false, &judged);
  size_t used = 0;
  while (!parser.ended()) {
    std::string_view line;
    ASSERT_EQ(lines.Next(input.data(), input.size(), &used, &line), HeadLines::Step::kLine)
        << input;
    ASSERT_TRUE(parser.Take(line)) << input << "\n" << parser.problem().text;
  }
  EXPECT_EQ(used, taken) << input;
  EXPECT_EQ(judged.status, plain.status) << input;
  EXPECT_EQ(judged.minor, plain.minor) << input;
  ASSERT_EQ(judged.size(), plain.size()) << input;
  for (size_t i = 0; i < plain.size(); i++) {
    EXPECT_EQ(judged.at(i).name, plain.at(i).name) << input;
    EXPECT_EQ(judged.at(i).value, plain.at(i).value) << input;
  }
}

size_t PlainSize(const std::string& input, size_t most = 1 << 16) {
  ResponseHead head;
  return ReadPlainHead(input.data(), input.size(), most, &head);
}

TEST(PlainHeadTest, TakesWhatIsWholeAndPlain) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:  b \r\nempty:\r\n\r\n";
  EXPECT_EQ(PlainSize(head + "ok"), head.size());
  EXPECT_EQ(PlainSize(head, head.size()), head.size());
  EXPECT_EQ(PlainSize(head, head.size() - 1), 0u);
  for (size_t i = 0; i < head.size(); i++) EXPECT_EQ(PlainSize(head.substr(0, i)), 0u) << i;
  EXPECT_NE(PlainSize("HTTP/1.0 404 \r\n\r\n"), 0u);
  EXPECT_NE(PlainSize("HTTP/1.1 204\r\n\r\n"), 0u);
}

TEST(PlainHeadTest, LeavesTheRestToLlhttp) {
  for (const char* fields :
       {"X: a\r\n b\r\n", "X: a\nY: b\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "X : a\r\n", ": a\r\n", "X\r\n",
        "X: \x01\r\n", "X: a\rb\r\n"})
    EXPECT_EQ(PlainSize(std::string("HTTP/1.1 200 OK\r\n") + fields + "\r\n"), 0u) << fields;
  for (const char* line : {"HTTP/1.2 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "HTTP/1.1 20",
                           "HTTP/1.1 2000", "\r\nHTTP/1.1 200 OK", "HTTP/1.1 200 \x01"})
    EXPECT_EQ(PlainSize(std::string(line) + "\r\n\r\n"), 0u) << line;
}

// Changed at random, seeded: each byte replaced, dropped or doubled by what means something.
TEST(PlainHeadTest, LlhttpSaysTheSame) {
  const std::string pieces[] = {"HTTP/1.1 200 OK\r\n",
                                "HTTP/1.0 404 Not Found\r\n",
                                "HTTP/1.1 204\r\n",
                                "Content-Length: 12\r\n",
                                "Transfer-Encoding: chunked\r\n",
                                "Connection: close\r\n",
                                "X:\ta b \t\r\n",
                                "Upgrade: h2c\r\n",
                                "Connection: upgrade\r\n",
                                "Proxy-Connection: x\r\n",
                                "Content-Lengt: 1\r\n",
                                "x-\xc3\xa4: \xff\r\n",
                                "Set-Cookie: a=b; c\r\n",
                                "transfer-encodin: x\r\n",
                                "\r\n"};
  constexpr char kOdd[] = "\r\n \t:,;0129aA-\x00\x01\x7f\xffHTTP/.";
  const std::string odd(kOdd, sizeof kOdd - 1);
  uint64_t state = 1;
  const auto random = [&](size_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state >> 33) % n);
  };
  for (int round = 0; round < 20000; round++) {
    std::string head = pieces[random(3)];
    for (size_t n = random(5); n > 0; n--) head += pieces[3 + random(11)];
    head += "\r\n";
    BothSayTheSame(head);
    for (size_t n = 1 + random(3); n > 0; n--) {
      const size_t at = random(head.size());
      if (random(2) == 0)
        head[at] = odd[random(odd.size())];
      else
        head.insert(at, 1, odd[random(odd.size())]);
    }
    BothSayTheSame(head);
  }
}

}  // namespace
}  // namespace creche::http
