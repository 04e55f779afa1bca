#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "http/h1/h1_parser.h"

namespace creche::http {
namespace {

using Verdict = H1Parser::Verdict;

// What one response looked like to its reader.
struct Seen : H1Parser::Sink {
  void OnHead() noexcept override { heads++; }
  void OnChunk(uint64_t size) noexcept override { chunks += size > 0; }
  void OnBody(const char* data, size_t size) noexcept override { body.append(data, size); }
  ResponseHead head;
  H1Parser parser;
  int heads = 0;
  int chunks = 0;
  std::string body;
  Verdict verdict = Verdict::kMore;
  size_t used = 0;

  // The answer in words: equal words, equal verdict.
  std::string Words() const {
    if (verdict == Verdict::kFailed)
      return "failed " + std::to_string(static_cast<int>(parser.problem().status));
    std::string words = std::to_string(head.status) + " " + body;
    words += verdict == Verdict::kMore ? " more" : parser.keep_alive() ? " keep" : " close";
    for (size_t i = 0; i < head.size(); i++)
      words += "|" + std::string(head.at(i).name) + "=" + std::string(head.at(i).value);
    return words + "@" + std::to_string(used);
  }
};

enum class End { kOpen, kClean, kCut };

// Feeds pieces; `end` says what follows them.
std::unique_ptr<Seen> Parse(const std::vector<std::string_view>& pieces, End end, bool head_request,
                            size_t max_head = 65536, bool lenient = false) {
  auto seen = std::make_unique<Seen>();
  seen->parser.Begin(head_request, max_head, lenient, &seen->head, seen.get());
  for (const std::string_view piece : pieces) {
    // A copy of its own, so that reading past a piece is found by the sanitizer.
    const std::unique_ptr<char[]> copy(new char[piece.size()]);
    std::copy(piece.begin(), piece.end(), copy.get());
    size_t used = 0;
    seen->verdict = seen->parser.Feed(copy.get(), piece.size(), &used);
    seen->used += used;
    if (seen->verdict != Verdict::kMore) return seen;
  }
  if (end != End::kOpen) seen->verdict = seen->parser.Finish(end == End::kClean);
  return seen;
}

// Whole, byte by byte, and cut at each offset: always the same words, which it returns.
std::string Words(std::string_view input, End end = End::kOpen, bool head_request = false,
                  bool lenient = false) {
  const auto words = [&](const std::vector<std::string_view>& pieces) {
    return Parse(pieces, end, head_request, 65536, lenient)->Words();
  };
  const std::string whole = words({input});
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < input.size(); i++) bytes.push_back(input.substr(i, 1));
  EXPECT_EQ(words(bytes), whole) << "byte by byte: " << input;
  for (size_t i = 1; i < input.size(); i++)
    EXPECT_EQ(words({input.substr(0, i), input.substr(i)}), whole)
        << "cut at " << i << ": " << input;
  return whole;
}

std::string Reason(std::string_view input, End end = End::kOpen) {
  return Parse({input}, end, false)->parser.problem().text;
}

constexpr char kOk[] = "HTTP/1.1 200 OK\r\n";
std::string Head(const std::string& fields) {
  return kOk + fields + "\r\n";
}
std::string Chunked(const std::string& body) {
  return Head("Transfer-Encoding: chunked\r\n") + body;
}
const std::string kProtocolFailure = "failed -46";

#define EXPECT_REFUSED(input) EXPECT_EQ(Words(input), kProtocolFailure) << input

// The body of a response that ends by its own framing, however it is cut.
std::string Body(const std::string& input) {
  const auto seen = Parse({input}, End::kOpen, false);
  EXPECT_EQ(seen->verdict, Verdict::kDone) << input << "\n" << seen->parser.problem().text;
  EXPECT_NE(Words(input).substr(0, 6), "failed");
  return seen->body;
}

TEST(ParserTest, Plain) {
  EXPECT_EQ(Words(Head("Content-Length: 5\r\nX-A:  b \t\r\nx-empty:\r\n") + "hello"),
            "200 hello keep|Content-Length=5|X-A=b|x-empty=@64");
}

TEST(ParserTest, ContentLength) {
  EXPECT_EQ(Body(Head("Content-Length: 0005\r\n") + "hello"), "hello");
  for (const char* blanks : {"\t 5 ", "5\t", " 5\t \t", "5 "})
    EXPECT_EQ(Body(Head("Content-Length:" + std::string(blanks) + "\r\n") + "hello"), "hello");
  EXPECT_EQ(Body(Head("Content-Length: 0\r\n")), "");
  for (const char* bad :
       {"5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "5, 5", "+5", "-5", "0x5", "", "1 0",
        "5;", "18446744073709551616", "18446744073709551615", "9223372036854775808",
        "5\r\nTransfer-Encoding: chunked", "5\r\nTransfer-Encoding: identity"})
    EXPECT_REFUSED(Head("Content-Length: " + std::string(bad) + "\r\n") + "hello");
  EXPECT_REFUSED(Head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"));
  EXPECT_REFUSED(Head("Content-Length: 5\r\n 5\r\n"));
}

TEST(ParserTest, TransferEncoding) {
  EXPECT_EQ(Body(Chunked("5\r\nhello\r\n0\r\n\r\n")), "hello");
  for (const char* good : {"chunked", "Chunked", "\tchunked\t ", "chunked\t"})
    EXPECT_EQ(
        Body(Head("Transfer-Encoding: " + std::string(good) + "\r\n") + "5\r\nhello\r\n0\r\n\r\n"),
        "hello");
  for (const char* bad :
       {"chunked\r\nTransfer-Encoding: chunked", "chunked, chunked", "gzip, chunked",
        "chunked, gzip", "xchunked", "chunkedchunked", "gzip", "identity", "", ",", "\vchunked",
        "chunked\v", "chunked;q=1", "\"chunked\"", "chun ked", "chunked\r\n , x"})
    EXPECT_REFUSED(Head("Transfer-Encoding: " + std::string(bad) + "\r\n") +
                   "5\r\nhello\r\n0\r\n\r\n");
  // HTTP/1.0 does not know it: taken, but never trusted with another request.
  EXPECT_EQ(Words("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "0\r\n\r\n")
                .substr(0, 10),
            "200  close");
}

TEST(ParserTest, HeaderSyntax) {
  for (const char* bad :
       {"Content-Length : 5", "Transfer-Encoding : chunked", "Connection : close", "Foo : a",
        "Foo\t: a", "Fo o: a", "F\xc3\xa4: a", ": a", "Foo", "Foo a", "Foo: a\rb: c", "Foo: a\r\r",
        "Foo: \x01", "Foo: \x7f", "Foo: a\vb", "(: a", "F\"o: a"})
    EXPECT_REFUSED(Head(std::string(bad) + "\r\nContent-Length: 0\r\n"));
  EXPECT_REFUSED(Head(std::string("Foo: a\0b\r\nContent-Length: 0\r\n", 29)));
  EXPECT_REFUSED(Head(std::string("Fo\0o: a\r\nContent-Length: 0\r\n", 28)));
  EXPECT_REFUSED(Head(" Foo: a\r\nContent-Length: 0\r\n"));
  EXPECT_REFUSED(Head("Transfer-Encoding: chunked\r\n x\r\n") + "0\r\n\r\n");
  EXPECT_EQ(Words(Head("Foo: \xc3\xa4\xff\r\nContent-Length: 0\r\n")).substr(0, 9), "200  keep");
}

// A user agent must join folded lines (RFC 9112, 5.2).
TEST(ParserTest, FoldedLines) {
  const auto fields = [](const std::string& folded) {
    const std::string words = Words(Head(folded + "\r\nContent-Length: 0\r\n"));
    return words.substr(0, words.find("|Content-Length"));
  };
  EXPECT_EQ(fields("X: a\r\n b"), "200  keep|X=a b");
  EXPECT_EQ(fields("X: a \t\r\n \t b \r\n\tc"), "200  keep|X=a b c");
  EXPECT_EQ(fields("X:\r\n a"), "200  keep|X=a");
  EXPECT_EQ(fields("X: a\r\n \r\n b"), "200  keep|X=a b");
  EXPECT_EQ(fields("X: a\r\n b: c"), "200  keep|X=a b: c");
  for (const char* bad : {"X: a\r\n \x01", "X: a\r\n b\rc", "Connection: a\r\n close",
                          "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked\r\n "})
    EXPECT_REFUSED(Head(std::string(bad) + "\r\nContent-Length: 0\r\n"));
  EXPECT_REFUSED(Head("Content-Length:\r\n 0\r\n"));
  EXPECT_REFUSED(Head("Content-Length: 0\r\n \r\n"));
}

TEST(ParserTest, LineEnds) {
  EXPECT_REFUSED("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\r\nContent-Length: 0\r\r\n\r\n");
  EXPECT_REFUSED("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\rX");
}

TEST(ParserTest, StatusLine) {
  for (const char* bad : {"HTTP/2.0 200 OK",
                          "HTTP/0.9 200 OK",
                          "HTTP/1.2 200 OK",
                          "HTTP/3.0 200 OK",
                          "http/1.1 200 OK",
                          "RTSP/1.0 200 OK",
                          "ICE/1.0 200 OK",
                          "ICY 200 OK",
                          "HTTP/1.1 20 OK",
                          "HTTP/1.1 2000 OK",
                          "HTTP/1.1 abc OK",
                          "HTTP/1.1  200 OK",
                          "HTTP/1.1 099 OK",
                          "HTTP/1.1 000 OK",
                          "HTTP/1.1",
                          "HTTP/1.1200 OK",
                          "<html>",
                          "HTTP/11 200 OK",
                          "HTTP/1.1 200\tOK",
                          "HTTP/1.1 200 O\x01K",
                          "HTTP/1.1 101 Switching Protocols",
                          "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x",
                          " HTTP/1.1 200 OK"})
    EXPECT_REFUSED(std::string(bad) + "\r\nContent-Length: 0\r\n\r\n");
  for (const char* good : {"HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.1 200 ",
                           "HTTP/1.1 200 \xc3\xa4", "HTTP/1.1 299 A b c", "HTTP/1.1 999 X"})
    EXPECT_EQ(Body(std::string(good) + "\r\nContent-Length: 2\r\n\r\nab"), "ab");
}

TEST(ParserTest, ReasonsSayWhatIsWrong) {
  EXPECT_NE(Reason("HTTP/1.1  200 OK\r\n").find("one blank"), std::string::npos);
  EXPECT_NE(Reason("HTTP/1.1 099 OK\r\n").find("below 100"), std::string::npos);
  EXPECT_NE(Reason("HTTP/1.2 200 OK\r\n").find("version"), std::string::npos);
  EXPECT_NE(Reason(Head("X\r\n")).find("colon"), std::string::npos);
  EXPECT_NE(Reason(Head("Connection: a\r\n b\r\n")).find("two lines"), std::string::npos);
}

TEST(ParserTest, OtherProtocolsAreNamed) {
  EXPECT_NE(Reason("\x15\x03\x01").find("https://"), std::string::npos);
  EXPECT_NE(Reason(std::string("\0\0\x12\x04\0", 5)).find("HTTP/2"), std::string::npos);
  EXPECT_NE(Reason("<html>").find("status line"), std::string::npos);
}

TEST(ParserTest, LeadingEmptyLines) {
  const std::string response = Head("Content-Length: 1\r\n") + "a";
  EXPECT_EQ(Body("\r\n" + response), "a");
  EXPECT_EQ(Body("\r\n\r\n" + response), "a");
  EXPECT_REFUSED("\r\n\r\n\r\n" + response);
  EXPECT_REFUSED("\n" + response);
  EXPECT_REFUSED("\r" + response);
  // So are they behind an informational response, before the next status line.
  EXPECT_EQ(Body("HTTP/1.1 100 Continue\r\n\r\n\r\n" + response), "a");
  EXPECT_EQ(Body("\r\nHTTP/1.1 100 Continue\r\n\r\n\r\n\r\n" + response), "a");
  EXPECT_REFUSED("HTTP/1.1 100 Continue\r\n\r\n\r\n\r\n\r\n" + response);
}

TEST(ParserTest, Chunks) {
  EXPECT_EQ(Body(Chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")), "hello world");
  EXPECT_EQ(Body(Chunked("0000000000000005\r\nhello\r\n000\r\n\r\n")), "hello");
  EXPECT_EQ(Body(Chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n")),
            "01234567890123456789");
  for (const char* extension :
       {";a=\"b c\";d=e", ";a=b;c=d", ";a=\"b;\\\"c\"", ";", "; a=b", ";a = b ; c", ";a=\"", ";;",
        ";\t\xc3\xa4", ";a=\"\\\\\";b=\"\\\"\""})
    EXPECT_EQ(
        Body(Chunked("5" + std::string(extension) + "\r\nhello\r\n0" + extension + "\r\n\r\n")),
        "hello")
        << extension;
  EXPECT_EQ(Body(Chunked("0\r\n\r\n")), "");
  for (const char* bad : {"5 \r\nhello\r\n0\r\n\r\n",
                          "5 ;a=b\r\nhello\r\n0\r\n\r\n",
                          " 5\r\nhello\r\n0\r\n\r\n",
                          "0x5\r\nhello\r\n0\r\n\r\n",
                          "+5\r\nhello\r\n0\r\n\r\n",
                          "-5\r\nhello\r\n0\r\n\r\n",
                          "0_2e\r\nhello\r\n0\r\n\r\n",
                          "\r\nhello\r\n0\r\n\r\n",
                          "10000000000000000\r\nhello",
                          "ffffffffffffffff\r\nhello",
                          "8000000000000000\r\nhello",
                          "5\nhello\r\n0\r\n\r\n",
                          "5\r\nhello\n0\r\n\r\n",
                          "5;a=b\nhello\r\n0\r\n\r\n",
                          "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
                          "5;a\rb\r\nhello\r\n0\r\n\r\n",
                          "5;a\x01\r\nhello\r\n0\r\n\r\n",
                          "00000000000000005\r\nhello\r\n0\r\n\r\n",
                          "7fffffffffffffff0\r\nhello",
                          ";a\r\nhello\r\n0\r\n\r\n",
                          "5\r\nhelloworld\r\n0\r\n\r\n",
                          "5\rhello\r\n0\r\n\r\n",
                          "5\r\nhello\r0\r\n\r\n",
                          "0\r\n\n",
                          "g\r\n",
                          "5\r\nhello0\r\n\r\n"})
    EXPECT_REFUSED(Chunked(bad));
}

TEST(ParserTest, ChunksAreAnnounced) {
  const auto seen = Parse({Chunked("7fffffffffffffff\r\n")}, End::kOpen, false);
  EXPECT_EQ(seen->chunks, 1);
  EXPECT_EQ(seen->verdict, Verdict::kMore);
  EXPECT_EQ(Parse({Chunked("1\r\na\r\n2;x\r\nbc\r\n0\r\n\r\n")}, End::kOpen, false)->chunks, 2);
}

TEST(ParserTest, Trailers) {
  EXPECT_EQ(Words(Chunked("1\r\na\r\n0\r\nX-Sum: 1\r\nY: z\r\n\r\n")).substr(0, 10), "200 a keep");
  EXPECT_EQ(Words(Chunked("1\r\na\r\n0\r\nConnection: close\r\n\r\n")).substr(0, 10), "200 a keep");
  EXPECT_REFUSED(Chunked("1\r\na\r\n0\r\nContent-Length: 1\r\n\r\n"));
  EXPECT_REFUSED(Chunked("1\r\na\r\n0\r\ntransfer-encoding: chunked\r\n\r\n"));
  EXPECT_REFUSED(Chunked("1\r\na\r\n0\r\nX: y\n\r\n"));
  for (const char* bad : {"X y", ": y", "X : y", " X: y", "X: \x01", "X: a\rb", "X: y\r\n z"})
    EXPECT_REFUSED(Chunked("1\r\na\r\n0\r\n" + std::string(bad) + "\r\n\r\n"));
}

TEST(ParserTest, ChunkFramingIsBounded) {
  const std::string kb16(16 << 10, 'x');
  EXPECT_EQ(Parse({Chunked("1;" + kb16 + "\r\na\r\n0\r\n\r\n")}, End::kOpen, false)->Words(),
            kProtocolFailure);
  EXPECT_EQ(Parse({Chunked(std::string(17 << 10, '0') + "1\r\na\r\n0\r\n\r\n")}, End::kOpen, false)
                ->Words(),
            kProtocolFailure);
  EXPECT_EQ(Parse({Chunked("0\r\nX: " + kb16 + "\r\n\r\n")}, End::kOpen, false)->Words(),
            kProtocolFailure);
  std::string many;  // each of them allowed, together too much
  for (int i = 0; i < 20; i++) many += "1;" + std::string(8 << 10, 'x') + "\r\na\r\n";
  EXPECT_EQ(Parse({Chunked(many)}, End::kOpen, false)->Words(), kProtocolFailure);
  // What ends without a line end is found out too.
  EXPECT_EQ(Parse({Chunked("1;"), kb16, kb16}, End::kOpen, false)->Words(), kProtocolFailure);
  std::string tiny;
  for (int i = 0; i < 20000; i++) tiny += "1\r\na\r\n";
  EXPECT_EQ(Parse({Chunked(tiny + "0\r\n\r\n")}, End::kOpen, false)->body, std::string(20000, 'a'));
}

TEST(ParserTest, NoBody) {
  for (const char* head :
       {"204 No\r\nContent-Length: 5", "304 Not\r\nContent-Length: 5",
        "204 No\r\nTransfer-Encoding: chunked", "304 Not\r\nTransfer-Encoding: chunked", "204 No",
        "304 Not", "204 No\r\nContent-Encoding: gzip"})
    EXPECT_EQ(Words("HTTP/1.1 " + std::string(head) + "\r\n\r\n").substr(3, 6), "  keep") << head;
  EXPECT_EQ(Words("HTTP/1.1 205 R\r\n\r\n").substr(0, 10), "205  close");
  EXPECT_EQ(Words("HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n").substr(0, 9), "205  keep");
  EXPECT_EQ(Words(Head("Content-Length: 1000\r\n"), End::kOpen, true).substr(0, 9), "200  keep");
  EXPECT_EQ(Words(Head("Transfer-Encoding: chunked\r\n"), End::kOpen, true).substr(0, 9),
            "200  keep");
  EXPECT_EQ(Words(Head(""), End::kOpen, true).substr(0, 9), "200  keep");
}

TEST(ParserTest, Informational) {
  const std::string final = Head("Content-Length: 1\r\n") + "a";
  EXPECT_EQ(Body("HTTP/1.1 100 Continue\r\n\r\n" + final), "a");
  EXPECT_EQ(Body("HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + final), "a");
  // Whatever its fields say, it has no body.
  EXPECT_EQ(Body("HTTP/1.1 104 X\r\nContent-Length: 5\r\n\r\n" + final), "a");
  EXPECT_EQ(Body("HTTP/1.1 102 X\r\nTransfer-Encoding: chunked\r\n\r\n" + final), "a");
  EXPECT_REFUSED("HTTP/1.1 100 Continue\r\n\r\nhello" + final);
  std::string many;
  for (int i = 0; i < 32; i++) many += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(Parse({many + final}, End::kOpen, false)->body, "a");
  EXPECT_EQ(Parse({many + "HTTP/1.1 100 Continue\r\n\r\n" + final}, End::kOpen, false)->Words(),
            kProtocolFailure);
  // Its fields do not stay.
  EXPECT_EQ(Words("HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n" + final),
            "200 a keep|Content-Length=1@73");
}

TEST(ParserTest, KeepAlive) {
  const auto ends = [](const std::string& head) {
    const std::string words = Words(head + "\r\nContent-Length: 0\r\n\r\n");
    return words.substr(5, words.find('|') - 5);
  };
  EXPECT_EQ(ends("HTTP/1.1 200 OK"), "keep");
  EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nConnection: close"), "close");
  EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nConnection: foo, Close"), "close");
  EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nConnection: keep-alive"), "keep");
  EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nProxy-Connection: close"), "close");
  EXPECT_EQ(ends("HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c"), "keep");
  EXPECT_EQ(ends("HTTP/1.0 200 OK"), "close");
  EXPECT_EQ(ends("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"), "keep");
}

TEST(ParserTest, WhatFollowsIsNotTaken) {
  const auto seen =
      Parse({Head("Content-Length: 1\r\n") + "aHTTP/1.1 200 OK\r\n"}, End::kOpen, false);
  EXPECT_EQ(seen->verdict, Verdict::kDone);
  EXPECT_EQ(seen->used, 39u);
  const auto closing =
      Parse({Head("Content-Length: 1\r\nConnection: close\r\n") + "abcdef"}, End::kOpen, false);
  EXPECT_EQ(closing->verdict, Verdict::kDone);
  EXPECT_EQ(closing->body, "a");
  const auto chunked = Parse({Chunked("1\r\na\r\n0\r\n\r\nXY")}, End::kOpen, false);
  EXPECT_EQ(chunked->used, Chunked("1\r\na\r\n0\r\n\r\n").size());
  const auto empty = Parse({Head("Content-Length: 0\r\n") + "X"}, End::kOpen, false);
  EXPECT_EQ(empty->used, Head("Content-Length: 0\r\n").size());
}

TEST(ParserTest, UntilClose) {
  EXPECT_EQ(Words(Head("") + "hello", End::kClean).substr(0, 15), "200 hello close");
  EXPECT_EQ(Words("HTTP/1.0 200 OK\r\n\r\nhi", End::kClean).substr(0, 12), "200 hi close");
  EXPECT_EQ(Words(Head("") + "hello", End::kCut), "failed -47");
}

TEST(ParserTest, Truncation) {
  EXPECT_EQ(Words("", End::kClean), "failed -45");
  EXPECT_EQ(Words("HTTP/1.1 200 OK\r\nA: ", End::kClean), "failed -45");
  EXPECT_EQ(Words(Head("Content-Length: 5\r\n") + "hell", End::kClean), "failed -47");
  EXPECT_EQ(Words(Chunked("5\r\nhel"), End::kClean), "failed -47");
  EXPECT_EQ(Words(Chunked("5\r\nhello\r\n"), End::kClean), "failed -47");
  EXPECT_EQ(Words(Chunked("5\r\nhello\r\n0\r\n"), End::kClean), "failed -47");
  const auto texts = {Reason("", End::kClean), Reason("HTTP", End::kClean),
                      Reason(Head("Content-Length: 5\r\n"), End::kClean),
                      Reason(Chunked(""), End::kClean), Reason(Head(""), End::kCut)};
  EXPECT_EQ(std::set<std::string>(texts).size(), texts.size());
}

TEST(ParserTest, HeadLimit) {
  const std::string exact = Head("Content-Length: 0\r\nX: " + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(Parse({exact}, End::kOpen, false, exact.size())->verdict, Verdict::kDone);
  const auto over = Parse({exact}, End::kOpen, false, exact.size() - 1);
  EXPECT_EQ(over->parser.problem().status, Status::kLimit);
  // A body behind it does not count.
  EXPECT_EQ(Parse({Head("Content-Length: 200\r\n") + std::string(200, 'b')}, End::kOpen, false, 60)
                ->verdict,
            Verdict::kDone);
  // An endless line is found out without its end.
  EXPECT_EQ(Parse({kOk, std::string(70000, 'x')}, End::kOpen, false)->parser.problem().status,
            Status::kLimit);
}

// Where the limit lies between two pieces does not matter, whatever else is wrong behind it.
TEST(ParserTest, HeadLimitIsExact) {
  const std::string inputs[] = {Head("Content-Length: 0\r\n"), "HTTP/1.1 200 OK\nX: y\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nX y\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"};
  for (const std::string& input : inputs) {
    for (size_t max = 8; max <= input.size() + 1; max++) {
      const std::string whole = Parse({input}, End::kOpen, false, max)->Words();
      std::vector<std::string_view> bytes;
      for (size_t i = 0; i < input.size(); i++)
        bytes.push_back(std::string_view(input).substr(i, 1));
      EXPECT_EQ(Parse(bytes, End::kOpen, false, max)->Words(), whole) << max << input;
    }
  }
}

TEST(ParserTest, Lenient) {
  const auto body = [](const std::string& input) {
    const std::string words = Words(input, End::kOpen, false, true);
    return words.substr(0, words.find('|'));
  };
  const auto fields = [](const std::string& input) {
    const std::string words = Words(input, End::kOpen, false, true);
    return words.substr(words.find('|'), words.find('@') - words.find('|'));
  };
  // Line feeds alone.
  EXPECT_EQ(body("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), "200 ok keep");
  EXPECT_EQ(body("HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok"), "200 ok keep");
  EXPECT_EQ(body("\nHTTP/1.1 100 C\n\nHTTP/1.1 200 OK\nContent-Length: 2\r\n\nok"), "200 ok keep");
  // Folded lines.
  EXPECT_EQ(fields("HTTP/1.1 200 OK\r\nX: a \r\n \t b\r\n\tc\r\nContent-Length: 2\r\n\r\nok"),
            "|X=a b c|Content-Length=2");
  EXPECT_EQ(fields("HTTP/1.1 200 OK\nX:\n a\n \nContent-Length: 0\n\n"), "|X=a|Content-Length=0");
  EXPECT_EQ(body(Head("Content-Length:\r\n 2\r\n") + "ok"), "200 ok keep");
  // Equal lengths; blanks behind a chunk's size.
  EXPECT_EQ(body(Head("Content-Length: 2\r\ncontent-length: 02, 2\r\n") + "ok"), "200 ok keep");
  EXPECT_EQ(body(Chunked("2 \t\r\nok\r\n0 ;a\r\n\r\n")), "200 ok keep");
  // What could be read in two ways is refused all the same.
  for (const std::string& bad :
       {Head(" X: a\r\nContent-Length: 0\r\n"), Head("Content-Length: 2\r\n 3\r\n") + "ok",
        Head("Transfer-Encoding: chunked\r\n x\r\n") + "0\r\n\r\n",
        Head("Content-Length: 2\r\nContent-Length: 3\r\n") + "ok",
        Head("Content-Length: 2, 3\r\n") + "ok", Head("Content-Length: 2,\r\n") + "ok",
        Head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        Head("X : a\r\nContent-Length: 0\r\n"), Head("X: a\rb\r\nContent-Length: 0\r\n"),
        Head("X: a\r\r\nContent-Length: 0\r\n"), Head("X: a\x01\r\nContent-Length: 0\r\n"),
        Head("X: a\r\n \x01\r\nContent-Length: 0\r\n"), Chunked("2\nok\r\n0\r\n\r\n"),
        Chunked("2\r\nok\n0\r\n\r\n"), Chunked(" 2\r\nok\r\n0\r\n\r\n"),
        Chunked("2 x\r\nok\r\n0\r\n\r\n"), Chunked("2\r\nok\r\n0\r\n\n")})
    EXPECT_EQ(body(bad).substr(0, 6), "failed") << bad;
}

TEST(ParserTest, OneAfterAnother) {
  Seen seen;
  for (int i = 0; i < 3; i++) {
    seen.parser.Begin(false, 65536, false, &seen.head, &seen);
    const std::string input = Head("Content-Length: 1\r\n") + "a";
    size_t used = 0;
    EXPECT_EQ(seen.parser.Feed(input.data(), input.size(), &used), Verdict::kDone);
    EXPECT_EQ(used, input.size());
    EXPECT_EQ(seen.head.size(), 1u);
  }
  EXPECT_EQ(seen.body, "aaa");
}

TEST(HeadTest, Lists) {
  const auto seen =
      Parse({Head("Connection: a, Keep-Alive\r\nconnection:b\r\nContent-Length: 0\r\n")},
            End::kOpen, false);
  EXPECT_TRUE(seen->head.ListHas(Known::kConnection, "keep-alive"));
  EXPECT_TRUE(seen->head.ListHas(Known::kConnection, "b"));
  EXPECT_FALSE(seen->head.ListHas(Known::kConnection, "keep"));
  EXPECT_EQ(seen->head.IndexOf("CONTENT-length"), 2u);
  EXPECT_EQ(seen->head.IndexOf("nope"), 3u);
  EXPECT_EQ(seen->head.at(0).value.data()[seen->head.at(0).value.size()], '\0');
}

}  // namespace
}  // namespace creche::http
