// What comes whole is read without llhttp where it is plain, what comes byte by byte never is: the
// answer must be the same. Heads are put together from what matters, and then damaged; seeded.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "http/h1/h1_parser.h"
#include "http/h1/plain_head.h"

namespace creche::http {
namespace {

struct Options {
  bool head_request = false;
  bool lenient = false;
  size_t max_head = 4096;
};

// All that an exchange learns of an answer, as text.
struct Seen final : H1Parser::Sink {
  void OnHead() noexcept override { heads++; }
  void OnChunk(uint64_t) noexcept override {}
  void OnBody(const char* data, size_t size) noexcept override { body.append(data, size); }
  std::string Read(const std::string& input, const Options& o, size_t cut) {
    parser.Begin(o.head_request, o.max_head, o.lenient, &head, this);
    auto verdict = H1Parser::Verdict::kMore;
    size_t used = 0;
    for (size_t at = 0; at < input.size() && verdict == H1Parser::Verdict::kMore; at += cut) {
      const std::string piece = input.substr(at, cut);
      size_t n = 0;
      verdict = parser.Feed(piece.data(), piece.size(), &n);
      used += n;
    }
    if (verdict == H1Parser::Verdict::kFailed)
      return "refused";  // which of two faults is named may depend on it
    std::string said = verdict == H1Parser::Verdict::kDone ? "done " : "more ";
    said += std::to_string(used) + " " + std::to_string(heads) + " " + std::to_string(head.status) +
            " " + std::to_string(head.minor) + "\n";
    for (size_t i = 0; i < head.size(); i++) {
      const ResponseHead::Field field = head.at(i);
      EXPECT_EQ(field.name.data()[field.name.size()], '\0');
      EXPECT_EQ(field.value.data()[field.value.size()], '\0');
      said.append(field.name).append("=").append(field.value).append("#");
      said += std::to_string(static_cast<int>(head.known(i))) + "\n";
    }
    if (!parser.head_done()) return said;
    return said + std::to_string(static_cast<int>(parser.framing())) + " " +
           std::to_string(parser.content_length()) + " " +
           (parser.keep_alive() ? "kept" : "closed") + " " + body;
  }
  ResponseHead head;
  H1Parser parser;
  int heads = 0;
  std::string body;
};

// True if it was plain.
bool BothWays(const std::string& input, const Options& o) {
  Seen whole, bytes;
  const std::string fast = whole.Read(input, o, input.size());
  EXPECT_EQ(fast, bytes.Read(input, o, 1)) << testing::PrintToString(input);
  ResponseHead head;
  return ReadPlainHead(input.data(), input.size(), o.max_head, &head) != 0;
}

constexpr const char* kStatusLines[] = {
    "HTTP/1.1 200 OK", "HTTP/1.1 200 OK",  "HTTP/1.1 200 OK",   "HTTP/1.0 200 OK",
    "HTTP/1.1 204 No", "HTTP/1.1 304",     "HTTP/1.1 205 \x80", "HTTP/1.1 100 Continue",
    "HTTP/1.1 103 E",  "HTTP/1.1 101 S",   "HTTP/1.1 999 \tx ", "HTTP/1.1 099 X",
    "HTTP/1.1 1000 X", "HTTP/1.2 200 OK",  "HTTP/2.0 200 OK",   "HTTP/1.1  200 OK",
    "HTTP/1.1 200OK",  "HTTP/1.1 200\tOK", " HTTP/1.1 200 OK",  "http/1.1 200 OK",
    "HTTP/1.1 20 OK",  "HTTP/1.1 2 0 OK",  "HTTP/1.1 +20 OK",   "HTTP/1.1 200 O\x7fK",
};
constexpr const char* kFields[] = {
    "Content-Length: 5",
    "content-length:5",
    "Content-Length:\t5 \t",
    "Content-Length: 05",
    "Content-Length: 000000000000000000000005",
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 5,5",
    "Content-Length: 5, 6",
    "Content-Length: 5 5",
    "Content-Length:",
    "Content-Length: 0",
    "Content-Length: 0x5",
    "Content-Length: 5;",
    "Content-Length: 9223372036854775807",
    "Content-Length: 9223372036854775808",
    "Content-Length: 18446744073709551615",
    "Content-Length: 18446744073709551616",
    "Content-Length: 99999999999999999999999",
    "Content-Length : 5",
    "Content_Length: 5",
    "Content-Length\r: 5",
    "Content-Length: 5\n",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding:",
    "Transfer-Encoding: Chunked",
    "Transfer-Encoding: chunked, chunked",
    "Connection: close",
    "Connection: keep-alive",
    "Connection: Keep-Alive, Upgrade",
    "Connection: upgrade",
    "Connection:",
    "Connection: ,close,",
    "Connection: closed",
    "Proxy-Connection: close",
    "Proxy-Connection: keep-alive",
    "Keep-Alive: timeout=5, max=10",
    "Upgrade: h2c",
    "Upgrade: websocket",
    "Trailer: X",
    "X: a",
    "X:",
    "X:   ",
    "X:\ta\t b \t",
    "X: \xc3\xa4\xff",
    "X\xc3\xa4: a",
    "X: a\x01",
    "X: a\x7f",
    "X: a\rb",
    "X: a\nb",
    "X a: b",
    ": a",
    "X",
    " folded",
    "\tfolded",
    "!#$%&'*+-.^_`|~09azAZ: token",
    "X(: a",
    "X\"y: a",
    "Set-Cookie: a=b; Path=/",
    "Content-Type: text/plain; charset=utf-8",
    "Server: x/1.0 (y)",
    "Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT",
    "Accept-Ranges: bytes",
    "ETag: \"0-1\"",
    "X-Long: 0123456789012345678901234567890123456789012345678901234567890123456789",
};
constexpr const char* kLineEnds[] = {"\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n"};
constexpr const char* kBodies[] = {
    "", "hello", "hello", "hell", "hello!", "5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"};
constexpr char kOdd[] = "\r\n \t:,;+-0129aA\x00\x01\x1f\x7f\x80\xffHTTP/.";

class Random {
 public:
  size_t operator()(size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state_ >> 33) % n);
  }
  template <class T, size_t N>
  T Of(T (&all)[N]) {
    return all[(*this)(N)];
  }
  bool OneIn(size_t n) { return (*this)(n) == 0; }

 private:
  uint64_t state_ = 1;
};

TEST(BothWaysTest, SayTheSame) {
  Random random;
  int plain = 0;
  constexpr int kRounds = 40'000;
  for (int round = 0; round < kRounds; round++) {
    std::string input;
    for (bool more = true; more; more = random.OneIn(8)) {  // informational ones, or two
      input += kStatusLines[random.OneIn(2) ? 0 : random(std::size(kStatusLines))];
      input += random.OneIn(30) ? random.Of(kLineEnds) : "\r\n";
      for (size_t n = random(5); n > 0; n--) {
        input += random.Of(kFields);
        input += random.OneIn(60) ? random.Of(kLineEnds) : "\r\n";
      }
      input += random.OneIn(40) ? random.Of(kLineEnds) : "\r\n";
    }
    input += random.Of(kBodies);
    if (random.OneIn(3)) {
      for (size_t n = 1 + random(3); n > 0; n--) {
        const size_t at = random(input.size());
        const char odd = kOdd[random(sizeof kOdd - 1)];
        switch (random(3)) {
          case 0:
            input[at] = odd;
            break;
          case 1:
            input.insert(at, 1, odd);
            break;
          default:
            if (input.size() > 1) input.erase(at, 1);
        }
      }
    }
    const Options options{.head_request = random.OneIn(6),
                          .lenient = random.OneIn(3),
                          .max_head = random.OneIn(8) ? 16 + random(200) : 4096};
    plain += BothWays(input, options);
    if (HasFailure()) return;
  }
  EXPECT_GT(plain, kRounds / 6) << "the fast way is hardly ever taken";
  EXPECT_LT(plain, kRounds);
}

// Each field alone and each two, behind each status line.
TEST(BothWaysTest, SayTheSameOfEachTwoFields) {
  for (const char* status : kStatusLines)
    for (const char* field : kFields)
      for (const char* body : kBodies)
        for (const bool lenient : {false, true})
          BothWays(std::string(status) + "\r\n" + field + "\r\n\r\n" + body, {.lenient = lenient});
  for (const char* one : kFields)
    for (const char* two : kFields)
      for (const bool lenient : {false, true})
        BothWays(std::string("HTTP/1.1 200 OK\r\n") + one + "\r\n" + two + "\r\n\r\nhello",
                 {.lenient = lenient});
}

// Wherever the limit is.
TEST(BothWaysTest, SayTheSameAtTheLimit) {
  const std::string input =
      "HTTP/1.1 100 Continue\r\nX: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nY:  b "
      "\r\n\r\nok";
  for (size_t most = 1; most <= input.size() + 1; most++) BothWays(input, {.max_head = most});
}

}  // namespace
}  // namespace creche::http
