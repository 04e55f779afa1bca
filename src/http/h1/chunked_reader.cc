#include "http/h1/chunked_reader.h"

#include <algorithm>

#include "http/headers.h"
#include "http/trailer.h"

namespace creche::http {

namespace {

// Between two pieces of the body: a size line with its extensions, or the trailer.
constexpr uint64_t kMaxGap = 16 << 10;
// In all of it: chunks of one byte with a short extension are odd, but fine.
constexpr uint64_t kGapsPerByte = 16;
constexpr uint64_t kGapsFree = 64 << 10;

bool IsHexDigit(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

ChunkedReader* Self(llhttp_t* p) {
  return static_cast<ChunkedReader*>(p->data);
}

constexpr char kNoSize[] =
    "the size of a chunk is no hexadecimal number, or is not followed by CRLF";

}  // namespace

// An llhttp that has just read the head of a chunked response: a body is all it is asked about.
const llhttp_t& ChunkedReader::BehindHead() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_body = OnBody;
    s.on_message_complete = OnEnd;
    return s;
  }();
  static const llhttp_t behind = [] {
    constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    llhttp_t p;
    llhttp_init(&p, HTTP_RESPONSE, &settings);
    llhttp_execute(&p, kHead.data(), kHead.size());
    return p;
  }();
  return behind;
}

void ChunkedReader::Begin(bool lenient) {
  llhttp_ = BehindHead();
  llhttp_.data = this;
  ended_ = false;
  problem_ = {};
  size_ = left_ = taken_ = gap_ = gaps_ = 0;
  line_.clear();
  trailer_.reset();
  state_ = State::kSize;
  digits_count_ = 0;
  lenient_ = lenient;
}

bool ChunkedReader::Give(std::string_view bytes) {
  return llhttp_execute(&llhttp_, bytes.data(), bytes.size()) == HPE_OK;
}

int ChunkedReader::OnBody(llhttp_t* p, const char* at, size_t n) {
  Self(p)->data_ = at;
  Self(p)->data_size_ = n;
  return 0;
}

int ChunkedReader::OnEnd(llhttp_t* p) {
  Self(p)->ended_ = true;
  return 0;
}

ChunkedReader::Step ChunkedReader::Fail(const char* text) {
  problem_ = {Status::kProtocol, text};
  return Step::kFailed;
}

ChunkedReader::Step ChunkedReader::Next(const char* data, size_t size, size_t* at) {
  while (*at < size) {
    if (state_ == State::kData) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(left_, size - *at));
      if (!Give({data + *at, n})) return Fail("a chunk is not what its size says");
      *at += n;
      left_ -= n;
      taken_ += n;
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
      return c == '\n' ? EndSizeLine() : Fail(kNoSize);
    case State::kData:
      break;  // not here
    case State::kDataCr:
    case State::kDataLf:
      if (c != (state_ == State::kDataCr ? '\r' : '\n'))
        return Fail("a chunk is longer than its size says, or not followed by CRLF");
      if (state_ == State::kDataCr) {
        state_ = State::kDataLf;
        return Step::kMore;
      }
      state_ = State::kSize;
      digits_count_ = 0;
      return Give("\r\n") ? Step::kMore : Fail("a chunk is not followed by CRLF");
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
  if (IsHexDigit(c)) {
    if (digits_count_ == kMaxDigits) return Fail("the size of a chunk has more than 16 digits");
    digits_[digits_count_++] = c;
    return Step::kMore;
  }
  if (digits_count_ == 0) return Fail(kNoSize);
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

ChunkedReader::Step ChunkedReader::EndSizeLine() {
  if (!Give({digits_, digits_count_}) || !Give("\r\n")) return Fail(kNoSize);
  size_ = left_ = llhttp_.content_length;
  if (size_ > static_cast<uint64_t>(INT64_MAX))
    return Fail("the size of a chunk is beyond all measure");
  state_ = size_ > 0 ? State::kData : State::kTrailer;
  return size_ > 0 ? Step::kChunk : Step::kMore;
}

ChunkedReader::Step ChunkedReader::EndTrailerLine() {
  if (line_.empty()) {
    Give("\r\n");
    return ended_ ? Step::kEnd : Fail("the trailer does not end");
  }
  const std::string_view line = line_;
  const size_t colon = line.find(':');
  if (colon == line.npos || !IsToken(line.substr(0, colon)) || !IsFieldValue(line))
    return Fail("a line of the trailer is no field");
  const Known name = KnownName(line.substr(0, colon));
  if (name == Known::kContentLength || name == Known::kTransferEncoding)
    return Fail("the trailer holds a field that says how long the body is");
  if (!Give(line) || !Give("\r\n")) return Fail("a line of the trailer is no field");
  AddToTrailer(&trailer_, line.substr(0, colon), TrimBlanks(line.substr(colon + 1)));
  line_.clear();
  state_ = State::kTrailer;
  return Step::kMore;
}

}  // namespace creche::http
