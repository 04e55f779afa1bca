// The corpus of support/http_corpus.h, each input fed whole, byte by byte and cut at every offset,
// strict and lenient, with the same verdict. (Over connections: capi/http/corpus_test.c.)
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../support/http_corpus.h"
#include "http/h1/h1_parser.h"

namespace creche::http {
namespace {

using Verdict = H1Parser::Verdict;

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
    return status == Status::kProtocol       ? REFUSED
           : status == Status::kTruncated    ? CUT
           : status == Status::kDisconnected ? GONE
                                             : "?";
  }
  return std::to_string(reader.head.status) + " " + reader.body +
         (reader.parser.keep_alive() ? " keep" : " close");
}

TEST(CorpusTest, EachInputHoweverItIsCut) {
  for (const support_http_input& row : support_http_corpus) {
    for (const bool lenient : {false, true}) {
      const std::string wanted = lenient && row.lenient != nullptr ? row.lenient : row.strict;
      const std::string_view input(row.bytes, row.size);
      ASSERT_EQ(Verdicts({input}, lenient), wanted) << input << " lenient " << lenient;
      std::vector<std::string_view> bytes;
      for (size_t i = 0; i < input.size(); i++) bytes.push_back(input.substr(i, 1));
      ASSERT_EQ(Verdicts(bytes, lenient), wanted) << "byte by byte: " << input;
      for (size_t cut = 1; cut < input.size(); cut++)
        ASSERT_EQ(Verdicts({input.substr(0, cut), input.substr(cut)}, lenient), wanted)
            << "cut at " << cut << ": " << input;
    }
  }
}

}  // namespace
}  // namespace creche::http
