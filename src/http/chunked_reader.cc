#include "http/chunked_reader.h"

#include <algorithm>

#include "http/headers.h"

namespace creche::http {

namespace {

// Between two pieces of the body: a size line with its extensions, or the trailer.
constexpr uint64_t kMaxGap = 16 << 10;
// In all of it: chunks of one byte with a short extension are odd, but fine.
constexpr uint64_t kGapsPerByte = 16;
constexpr uint64_t kGapsFree = 64 << 10;
constexpr uint8_t kMaxDigits = 16;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr char kNoSize[] =
    "the size of a chunk is no hexadecimal number, or is not followed by CRLF";

}  // namespace

void ChunkedReader::Begin(bool lenient) {
  problem_ = {};
  size_ = left_ = taken_ = gap_ = gaps_ = 0;
  line_.clear();
  state_ = State::kSize;
  digits_ = 0;
  lenient_ = lenient;
}

ChunkedReader::Step ChunkedReader::Fail(const char* text) {
  problem_ = {Status::kProtocol, text};
  return Step::kFailed;
}

ChunkedReader::Step ChunkedReader::Next(const char* data, size_t size, size_t* at) {
  while (*at < size) {
    if (state_ == State::kData) {
      data_ = data + *at;
      data_size_ = static_cast<size_t>(std::min<uint64_t>(left_, size - *at));
      *at += data_size_;
      left_ -= data_size_;
      taken_ += data_size_;
      gap_ = 0;
      if (left_ == 0) state_ = State::kDataCr;
      return Step::kData;
    }
    gap_++;
    gaps_++;
    if (gap_ > kMaxGap || gaps_ > kGapsFree + kGapsPerByte * taken_)
      return Fail("chunk extensions or trailers are too long");
    if (const Step step = Take(data[(*at)++]); step != Step::kMore) return step;
  }
  return Step::kMore;
}

// Takes a byte that is no body.
ChunkedReader::Step ChunkedReader::Take(char c) {
  switch (state_) {
    case State::kSize:
      return TakeSize(c);
    case State::kBlanks:
      if (c == ' ' || c == '\t') return Step::kMore;
      if (c != ';' && c != '\r') return Fail(kNoSize);
      state_ = c == ';' ? State::kExtension : State::kSizeEnd;
      return Step::kMore;
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeEnd;
      } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
        return Fail("a control character stands in a chunk extension");
      }
      return Step::kMore;
    case State::kSizeEnd:
      if (c != '\n') return Fail(kNoSize);
      left_ = size_;
      state_ = size_ > 0 ? State::kData : State::kTrailer;
      return size_ > 0 ? Step::kChunk : Step::kMore;
    case State::kData:
      break;  // not here
    case State::kDataCr:
    case State::kDataLf:
      if (c != (state_ == State::kDataCr ? '\r' : '\n'))
        return Fail("a chunk is longer than its size says, or not followed by CRLF");
      state_ = state_ == State::kDataCr ? State::kDataLf : State::kSize;
      digits_ = 0;
      size_ = 0;
      return Step::kMore;
    case State::kTrailer:
      if (c == '\n') return Fail("a line of the trailer ends without a carriage return");
      if (c == '\r')
        state_ = State::kTrailerEnd;
      else
        line_ += c;
      return Step::kMore;
    case State::kTrailerEnd:
      if (c != '\n') return Fail("a carriage return stands alone in the trailer");
      return EndTrailerLine();
  }
  return Step::kMore;
}

ChunkedReader::Step ChunkedReader::TakeSize(char c) {
  const int digit = HexValue(c);
  if (digit >= 0) {
    if (++digits_ > kMaxDigits) return Fail("the size of a chunk has more than 16 digits");
    size_ = size_ << 4 | static_cast<uint64_t>(digit);
    if (size_ > static_cast<uint64_t>(INT64_MAX))
      return Fail("the size of a chunk is beyond all measure");
    return Step::kMore;
  }
  if (digits_ == 0) return Fail(kNoSize);
  if (c == ';') {
    state_ = State::kExtension;
  } else if (c == '\r') {
    state_ = State::kSizeEnd;
  } else if (lenient_ && (c == ' ' || c == '\t')) {
    state_ = State::kBlanks;
  } else {
    return Fail(kNoSize);
  }
  return Step::kMore;
}

ChunkedReader::Step ChunkedReader::EndTrailerLine() {
  if (line_.empty()) return Step::kEnd;
  const std::string_view line = line_;
  const size_t colon = line.find(':');
  if (colon == line.npos || !IsToken(line.substr(0, colon)) || !IsFieldValue(line))
    return Fail("a line of the trailer is no field");
  const Known name = KnownName(line.substr(0, colon));
  if (name == Known::kContentLength || name == Known::kTransferEncoding)
    return Fail("the trailer holds a field that says how long the body is");
  line_.clear();
  state_ = State::kTrailer;
  return Step::kMore;
}

}  // namespace creche::http
