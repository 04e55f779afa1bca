// Fuzzes what a hostile server controls: the response parser (the verdict must not depend on where
// the bytes are cut), the decoders, and Location. The first byte says how.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "http/body/decoder.h"
#include "http/h1/h1_parser.h"
#include "http/url.h"

using namespace creche;
using namespace creche::http;

namespace {

struct Seen : H1Parser::Sink {
  void OnHead() noexcept override { heads++; }
  void OnChunk(uint64_t size) noexcept override { chunks += size > 0; }
  void OnBody(const char* data, size_t size) noexcept override { body.append(data, size); }
  ResponseHead head;
  H1Parser parser;
  int heads = 0;
  int chunks = 0;
  std::string body;
  size_t used = 0;
  H1Parser::Verdict verdict = H1Parser::Verdict::kMore;

  void Feed(std::string_view bytes) {
    if (verdict != H1Parser::Verdict::kMore) return;
    size_t n = 0;
    verdict = parser.Feed(bytes.data(), bytes.size(), &n);
    used += n;
  }
};

// What was read whole (perhaps without llhttp) and what came in pieces (always by it).
bool Same(const Seen& a, const Seen& b) {
  if (a.verdict == H1Parser::Verdict::kFailed) return true;  // as far as both went
  if (a.body != b.body || a.used != b.used || a.heads != b.heads ||
      a.head.status != b.head.status || a.head.minor != b.head.minor ||
      a.head.size() != b.head.size())
    return false;
  for (size_t i = 0; i < a.head.size(); i++)
    if (a.head.at(i).name != b.head.at(i).name || a.head.at(i).value != b.head.at(i).value ||
        a.head.known(i) != b.head.known(i))
      return false;
  return !a.parser.head_done() || (a.parser.framing() == b.parser.framing() &&
                                   a.parser.content_length() == b.parser.content_length() &&
                                   a.parser.keep_alive() == b.parser.keep_alive());
}

void Parse(std::string_view input, bool head_request, bool lenient, size_t cut) {
  constexpr size_t kMaxHead = 1024;
  Seen whole;
  Seen parts;
  whole.parser.Begin(head_request, kMaxHead, lenient, &whole.head, &whole);
  parts.parser.Begin(head_request, kMaxHead, lenient, &parts.head, &parts);
  whole.Feed(input);
  for (size_t at = 0; at < input.size(); at += cut) parts.Feed(input.substr(at, cut));
  if (whole.verdict != parts.verdict || !Same(whole, parts) || whole.heads > 1) abort();
  if (whole.verdict == H1Parser::Verdict::kMore) whole.parser.Finish(true);
  auto decoder = MakeDecoder(whole.head);
  if (!decoder) return;
  std::string_view in = whole.body;
  char out[512];
  for (size_t made = sizeof out, steps = 0; (!in.empty() || made == sizeof out) && steps < 1000;
       steps++)
    if (!decoder->Decode(&in, out, sizeof out, &made)) break;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0xff) {
    static const Url base = Url::Parse("http://host/a/b?c").value();
    if (auto url = base.Resolve(input); url.ok()) {
      // What was accepted once is accepted again, and stays as it is.
      auto again = Url::Parse(url.value().text());
      if (!again.ok() || again.value().text() != url.value().text()) abort();
    }
    return 0;
  }
  for (const bool lenient : {false, true})
    Parse(input, (data[0] & 0x80) != 0, lenient, 1 + (data[0] & 0x3f));
  return 0;
}
