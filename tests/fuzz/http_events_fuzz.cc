// Fuzzes the parser of server-sent events: what is read must not depend on where the bytes are cut.
// The first byte says how, and how long an event may be.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/utf8.h"
#include "http/events/event_parser.h"

using namespace creche;
using namespace creche::http;

namespace {

void MustBeUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = CharacterAt(text);
    if (n == 0) abort();
    text.remove_prefix(n);
  }
}

std::string Read(std::string_view input, size_t max, size_t cut) {
  EventParser parser(max, "");
  parser.Begin();
  std::string seen;
  for (size_t from = 0; from < input.size(); from += cut) {
    const std::string_view piece = input.substr(from, cut);
    for (size_t at = 0; at < piece.size();) {
      const auto step = parser.Next(piece.data(), piece.size(), &at);
      if (step == EventParser::Step::kTooLong) return seen + "too long";
      if (step != EventParser::Step::kEvent) continue;
      // What is no UTF-8 may grow by three.
      if (parser.data().size() > 3 * max) abort();
      for (const std::string_view text :
           {parser.type(), parser.data(), std::string_view(parser.last_id())}) {
        MustBeUtf8(text);
        seen.append(std::to_string(text.size())).append(":").append(text);
      }
    }
  }
  return seen + std::to_string(parser.retry());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t max = (data[0] & 0x80) != 0 ? 8 : 1 << 16;
  const std::string whole = Read(input, max, input.size() + 1);
  if (Read(input, max, 1 + (data[0] & 0x1f)) != whole || Read(input, max, 1) != whole) abort();
  return 0;
}
