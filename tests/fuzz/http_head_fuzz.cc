// A plain head is read without llhttp, and only if llhttp would have said the same: both read the
// same bytes here. The first byte says how.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/h1/head_lines.h"
#include "http/h1/head_parser.h"
#include "http/h1/plain_head.h"

using namespace creche::http;

namespace {

// By lines and llhttp. False if it is refused, or does not end.
bool ReadByLines(std::string_view input, size_t most, bool lenient, ResponseHead* head,
                 size_t* used) {
  HeadLines lines;
  HeadParser parser;
  lines.Begin(most, lenient);
  parser.Begin(lenient, head);
  *used = 0;
  while (!parser.ended()) {
    std::string_view line;
    if (lines.Next(input.data(), input.size(), used, &line) != HeadLines::Step::kLine) return false;
    if (!parser.Take(line)) return false;
  }
  return true;
}

bool Same(const ResponseHead& a, const ResponseHead& b) {
  if (a.status != b.status || a.minor != b.minor || a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++)
    if (a.at(i).name != b.at(i).name || a.at(i).value != b.at(i).value || a.known(i) != b.known(i))
      return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t most = (data[0] & 1) != 0 ? 64 : 4096;
  ResponseHead plain;
  const size_t taken = ReadPlainHead(input.data(), input.size(), most, &plain);
  if (taken == 0) {
    if (plain.size() != 0 || plain.status != 0) abort();
    return 0;
  }
  for (const bool lenient : {false, true}) {
    ResponseHead judged;
    size_t used = 0;
    if (!ReadByLines(input, most, lenient, &judged, &used) || used != taken || !Same(plain, judged))
      abort();
  }
  return 0;
}
