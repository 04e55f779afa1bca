// Fuzzes what a server sends on a WebSocket: what is read must not depend on where the bytes are
// cut. The first byte says how, what was agreed on, and how long a message may be.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/utf8.h"
#include "http/websocket/frame_reader.h"

using namespace creche;
using namespace creche::http;

namespace {

void Demand(bool holds) {
  if (!holds) abort();
}

void MustBeUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = CharacterAt(text);
    Demand(n != 0);
    text.remove_prefix(n);
  }
}

std::string Read(std::string_view input, const DeflateTerms& terms, size_t max, size_t cut) {
  FrameReader reader(terms, max);
  std::string seen;
  for (size_t from = 0; from < input.size(); from += cut) {
    const std::string_view piece = input.substr(from, cut);
    for (size_t at = 0;;) {
      const auto step = reader.Next(piece.data(), piece.size(), &at);
      Demand(at <= piece.size());
      if (step == FrameReader::Step::kMore) {
        Demand(at == piece.size());
        break;
      }
      seen += static_cast<char>('0' + static_cast<int>(step));
      switch (step) {
        case FrameReader::Step::kMessage:
          Demand(reader.message().size() <= max);
          if (reader.text()) MustBeUtf8(reader.message());
          seen.append(reader.text() ? "t" : "b").append(reader.message());
          break;
        case FrameReader::Step::kFailed: {
          Demand(MaySayClose(reader.close_code()) && reader.problem().bad());
          size_t again = at;
          Demand(reader.Next(piece.data(), piece.size(), &again) == step && again == at);
          // Of a message that does not inflate, more or less may be looked at in one go.
          return seen;
        }
        case FrameReader::Step::kClose:
          MustBeUtf8(reader.control());
          Demand(reader.close_code() == 0 || MaySayClose(reader.close_code()));
          return seen.append(std::to_string(reader.close_code())).append(reader.control());
        default:
          Demand(reader.control().size() <= 125);
          seen.append(reader.control());
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  DeflateTerms terms;
  terms.on = (data[0] & 1) != 0;
  terms.server_takeover = (data[0] & 2) != 0;
  terms.server_bits = (data[0] & 4) != 0 ? 9 : 15;
  const size_t max = (data[0] & 8) != 0 ? 16 : 1 << 16;
  const std::string whole = Read(input, terms, max, input.size() + 1);
  Demand(Read(input, terms, max, 1 + (data[0] >> 4)) == whole);
  Demand(Read(input, terms, max, 1) == whole);
  return 0;
}
