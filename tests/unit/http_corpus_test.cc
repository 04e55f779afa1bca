// What odd, broken and hostile servers send, and what becomes of it: one row an input. Each is fed
// whole, byte by byte and cut at every offset, strict and lenient, with the same verdict.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h1/h1_parser.h"

namespace creche::http {
namespace {

using std::string_literals::operator""s;
using Verdict = H1Parser::Verdict;

// What is in a column: refused; or the status and body, and whether the connection may be kept.
constexpr char kNo[] = "refused";
constexpr char kCut[] = "truncated";
constexpr char kGone[] = "disconnected";

struct Row {
  std::string input;
  const char* strict;
  const char* lenient = nullptr;  // null: the same
};

constexpr char kLine[] = "HTTP/1.1 200 OK\r\n";
// A head with these fields and what follows.
std::string H(const std::string& fields, const std::string& body = "") {
  return kLine + fields + "\r\n\r\n" + body;
}
std::string Chunks(const std::string& body) {
  return H("Transfer-Encoding: chunked", body);
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      // Content-Length
      {H("Content-Length: 2", "ok"), "200 ok keep"},
      {H("Content-Length: 2\r\nContent-Length: 2", "ok"), kNo, "200 ok keep"},
      {H("Content-Length: 2\r\nContent-Length: 3", "ok"), kNo},
      {H("Content-Length: 2, 2", "ok"), kNo, "200 ok keep"},
      {H("Content-Length: 2, 3", "ok"), kNo},
      {H("Content-Length: +2", "ok"), kNo},
      {H("Content-Length: -2", "ok"), kNo},
      {H("Content-Length: 0x2", "ok"), kNo},
      {H("Content-Length:", "ok"), kNo},
      {H("Content-Length: 1 0", "ok"), kNo},
      {H("Content-Length: 18446744073709551616", "ok"), kNo},
      {H("Content-Length: 18446744073709551615", "ok"), kNo},
      {H("Content-Length: 9223372036854775808", "ok"), kNo},
      {H("Content-Length: 0002", "ok"), "200 ok keep"},
      {H("Content-Length:\t2\t", "ok"), "200 ok keep"},
      {H("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: chunked\r\nContent-Length: 2", "0\r\n\r\n"), kNo},
      {H("Content-Length: 2\r\nTransfer-Encoding: identity", "ok"), kNo},
      // Transfer-Encoding
      {Chunks("2\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {H("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: xchunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: chunkedchunked", "0\r\n\r\n"), kNo},
      {H("Transfer-Encoding: chunked\t", "2\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {H("Transfer-Encoding: \vchunked", "0\r\n\r\n"), kNo},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
       "200  close"},
      // Names and colons
      {H("Content-Length : 2", "ok"), kNo},
      {H("Transfer-Encoding : chunked", "0\r\n\r\n"), kNo},
      {H("Connection : close\r\nContent-Length: 2", "ok"), kNo},
      {H("Foo : a\r\nContent-Length: 2", "ok"), kNo},
      {H("Foo\t: a\r\nContent-Length: 2", "ok"), kNo},
      {H("F oo: a\r\nContent-Length: 2", "ok"), kNo},
      {H("F\xe9: a\r\nContent-Length: 2", "ok"), kNo},
      {H(": a\r\nContent-Length: 2", "ok"), kNo},
      {H("Foo\r\nContent-Length: 2", "ok"), kNo},
      // Folded lines: joined (RFC 9112, 5.2), but not where the framing is said
      {H("X: a\r\n b\r\nContent-Length: 2", "ok"), "200 ok keep"},
      {H("X: a\r\n\tb\r\nContent-Length: 2", "ok"), "200 ok keep"},
      {H("Transfer-Encoding: chunked\r\n b", "0\r\n\r\n"), kNo},
      {H(" X: a\r\nContent-Length: 2", "ok"), kNo},
      {H("Content-Length: 2\r\n 3", "ok"), kNo},
      {H("Content-Length:\r\n 2", "ok"), kNo, "200 ok keep"},
      // Line ends
      {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", kNo, "200 ok keep"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", kNo, "200 ok keep"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok", kNo, "200 ok keep"},
      {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", kNo, "200 ok keep"},
      {H("Foo: a\rb\r\nContent-Length: 2", "ok"), kNo},
      {"HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nok", kNo},
      {"HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\n\r\nok", kNo},
      {H("Foo: a\r\r\nContent-Length: 2", "ok"), kNo},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\rok", kNo},
      // Values
      {H("Foo: a\0b\r\nContent-Length: 2"s, "ok"), kNo},
      {H("Foo: \x01\r\nContent-Length: 2", "ok"), kNo},
      {H("Foo: \x7f\r\nContent-Length: 2", "ok"), kNo},
      {H("Foo: \x80\xff\r\nContent-Length: 2", "ok"), "200 ok keep"},
      {H("Foo: a\tb\r\nContent-Length: 2", "ok"), "200 ok keep"},
      // Status lines
      {"HTTP/1.1 20 OK\r\n\r\n", kNo},
      {"HTTP/1.1 2000 OK\r\n\r\n", kNo},
      {"HTTP/1.1 2x0 OK\r\n\r\n", kNo},
      {"HTTP/1.1  200 OK\r\n\r\n", kNo},
      {"HTTP/1.1 099 OK\r\n\r\n", kNo},
      {"HTTP/1.1 000 OK\r\n\r\n", kNo},
      {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "200 ok keep"},
      {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "200 ok keep"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok close"},
      {"HTTP/2.0 200 OK\r\n\r\n", kNo},
      {"HTTP/0.9 200 OK\r\n\r\n", kNo},
      {"RTSP/1.0 200 OK\r\n\r\n", kNo},
      {"ICE/1.0 200 OK\r\n\r\n", kNo},
      {"HTTP/1.2 200 OK\r\n\r\n", kNo},
      {"HTTP/3.0 200 OK\r\n\r\n", kNo},
      {"http/1.1 200 OK\r\n\r\n", kNo},
      {"ICY 200 OK\r\n\r\n", kNo},
      {"\x80\x81 garbage", kNo},
      {"<html><body>hello</body></html>", kNo},
      {"\r\n" + H("Content-Length: 2", "ok"), "200 ok keep"},
      {"\r\n\r\n" + H("Content-Length: 2", "ok"), "200 ok keep"},
      {"\r\n\r\n\r\n" + H("Content-Length: 2", "ok"), kNo},
      {"\x15\x03\x01\x00\x02\x02\x46", kNo},
      {"\0\0\x12\x04\0\0\0\0\0"s, kNo},
      // Chunks
      {Chunks("2 \r\nok\r\n0\r\n\r\n"), kNo, "200 ok keep"},
      {Chunks("2 ;a=b\r\nok\r\n0\r\n\r\n"), kNo, "200 ok keep"},
      {Chunks(" 2\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("0x2\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("+2\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("-2\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("0_2e\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("10000000000000000\r\nok"), kNo},
      {Chunks("8000000000000000\r\nok"), kNo},
      {Chunks("0000000000000002\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {Chunks("00000000000000002\r\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("2\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("2\r\nok\n0\r\n\r\n"), kNo},
      {Chunks("2;a=b\nok\r\n0\r\n\r\n"), kNo},
      {Chunks("2\r\nokay\r\n0\r\n\r\n"), kNo},
      {Chunks("2\rok\r\n0\r\n\r\n"), kNo},
      {Chunks("2;a=b;c=\"d e\"\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {Chunks("2;a=b;c=d\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {Chunks("2;a=\"b;\\\"c\"\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {Chunks("2; a=b\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      {Chunks("2;\r\nok\r\n0\r\n\r\n"), "200 ok keep"},
      // Trailers
      {Chunks("2\r\nok\r\n0\r\nX: y\r\n\r\n"), "200 ok keep"},
      {Chunks("2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"), kNo},
      {Chunks("2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), kNo},
      {Chunks("2\r\nok\r\n0\r\nConnection: close\r\n\r\n"), "200 ok keep"},
      // No body, whatever the fields say
      {"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n", "204  keep"},
      {"HTTP/1.1 304 X\r\nContent-Length: 2\r\n\r\n", "304  keep"},
      {"HTTP/1.1 104 X\r\nContent-Length: 2\r\n\r\n" + H("Content-Length: 2", "ok"), "200 ok keep"},
      {"HTTP/1.1 205 X\r\n\r\n", "205  close"},
      {"HTTP/1.1 100 X\r\n\r\nbody" + H("Content-Length: 2", "ok"), kNo},
      {"HTTP/1.1 100 X\r\n\r\n\r\n" + H("Content-Length: 2", "ok"), "200 ok keep"},
      {"HTTP/1.1 101 X\r\n\r\n", kNo},
      {"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", kNo},
      {H("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2", "ok"), "200 ok keep"},
      // What follows; how a connection is left
      {H("Connection: close\r\nContent-Length: 2", "okand more"), "200 ok close"},
      {H("Content-Length: 2", "okHTTP/1.1 200 OK\r\n"), "200 ok keep"},
      {H("Proxy-Connection: close\r\nContent-Length: 2", "ok"), "200 ok close"},
      // Truncation
      {"", kGone},
      {"HTTP/1.1 200 OK\r\nConte", kGone},
      {H("Content-Length: 3", "ok"), kCut},
      {Chunks("3\r\nok"), kCut},
      {Chunks("2\r\nok\r\n"), kCut},
      {Chunks("2\r\nok\r\n0\r\n"), kCut},
      {H("Foo: a", "ok"), "200 ok close"},
  };
  return rows;
}

struct Reader : H1Parser::Sink {
  void OnHead() noexcept override {}
  void OnChunk(uint64_t) noexcept override {}
  void OnBody(const char* data, size_t size) noexcept override { body.append(data, size); }
  ResponseHead head;
  H1Parser parser;
  std::string body;
};

// Feeds the pieces, then the end of the connection.
std::string Verdicts(const std::vector<std::string_view>& pieces, bool lenient) {
  Reader reader;
  reader.parser.Begin(false, 65536, lenient, &reader.head, &reader);
  Verdict verdict = Verdict::kMore;
  for (const std::string_view piece : pieces) {
    // A copy of its own, so that reading past a piece is found by the sanitizer.
    const std::unique_ptr<char[]> copy(new char[piece.size()]);
    std::copy(piece.begin(), piece.end(), copy.get());
    size_t used = 0;
    if (verdict == Verdict::kMore) verdict = reader.parser.Feed(copy.get(), piece.size(), &used);
  }
  if (verdict == Verdict::kMore) verdict = reader.parser.Finish(true);
  if (verdict == Verdict::kFailed) {
    const Status status = reader.parser.problem().status;
    return status == Status::kProtocol       ? kNo
           : status == Status::kTruncated    ? kCut
           : status == Status::kDisconnected ? kGone
                                             : "?";
  }
  return std::to_string(reader.head.status) + " " + reader.body +
         (reader.parser.keep_alive() ? " keep" : " close");
}

TEST(CorpusTest, EachInputHoweverItIsCut) {
  for (const Row& row : Rows()) {
    for (const bool lenient : {false, true}) {
      const std::string wanted = lenient && row.lenient ? row.lenient : row.strict;
      const std::string_view input = row.input;
      ASSERT_EQ(Verdicts({input}, lenient), wanted) << row.input << " lenient " << lenient;
      std::vector<std::string_view> bytes;
      for (size_t i = 0; i < input.size(); i++) bytes.push_back(input.substr(i, 1));
      ASSERT_EQ(Verdicts(bytes, lenient), wanted) << "byte by byte: " << row.input;
      for (size_t cut = 1; cut < input.size(); cut++)
        ASSERT_EQ(Verdicts({input.substr(0, cut), input.substr(cut)}, lenient), wanted)
            << "cut at " << cut << ": " << row.input;
    }
  }
}

}  // namespace
}  // namespace creche::http
