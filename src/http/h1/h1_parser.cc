#include "http/h1/h1_parser.h"

#include <algorithm>
#include <new>

#include "http/h1/plain_head.h"

namespace creche::http {

namespace {

constexpr uint8_t kMaxInformational = 32;
// Before each status line: some servers end a body with an empty line that they did not count.
constexpr uint8_t kMaxEmptyLines = 2;

constexpr char kVersion[] = "HTTP/1.";
constexpr uint8_t kVersionSize = sizeof kVersion - 1;

// What a peer that does not speak HTTP/1 may be speaking.
const char* GuessProtocol(char first) {
  switch (static_cast<unsigned char>(first)) {
    case 0x15:
    case 0x16:
      return "the server answered in TLS: use https:// for this port";
    case 0x00:
      return "the server answered in HTTP/2, which this port was not asked for";
    case '<':
    case '{':
      return "the server answered without a status line";
    default:
      return "the answer does not begin with HTTP/1.0 or HTTP/1.1";
  }
}

}  // namespace

void H1Parser::Begin(bool head_request, size_t max_head, bool lenient, ResponseHead* head,
                     Sink* sink, bool upgrade) {
  head_ = head;
  sink_ = sink;
  max_head_ = max_head;
  problem_ = {};
  content_length_ = body_bytes_ = 0;
  informational_ = 0;
  continued_ = false;
  framing_ = BodyFraming::kNone;
  head_request_ = head_request;
  lenient_ = lenient;
  upgrade_ = upgrade;
  started_ = head_done_ = keep_alive_ = false;
  BeginHead();
}

// Forgets the informational response, if there was one.
void H1Parser::BeginHead() {
  head_->Clear();
  version_matched_ = empty_lines_ = 0;
  in_lines_ = false;
}

bool H1Parser::Fail(Status status, const char* text) {
  if (problem_.status == Status::kOk) problem_ = {status, text};
  return false;
}

H1Parser::Verdict H1Parser::Feed(const char* data, size_t size, size_t* used) {
  *used = 0;
  try {
    if (!head_done_ && !FeedHead(data, size, used)) return Verdict::kFailed;
    return head_done_ ? FeedBody(data, size, used) : Verdict::kMore;
  } catch (const std::bad_alloc&) {
    if (!head_done_) head_->Clear();  // it may be half there
    Fail(Status::kNoMemory, "no memory for the head of the answer");
    return Verdict::kFailed;
  }
}

H1Parser::Verdict H1Parser::Finish(bool clean) {
  if (head_done_ && framing_ == BodyFraming::kUntilClose && clean) return Verdict::kDone;
  if (!started_) {
    Fail(Status::kDisconnected, "the server closed the connection without an answer");
  } else if (!head_done_) {
    Fail(Status::kDisconnected, "the server closed the connection inside the head of its answer");
  } else if (framing_ == BodyFraming::kUntilClose) {
    Fail(Status::kTruncated, "the TLS connection was cut off, so the body may lack its end");
  } else if (framing_ == BodyFraming::kLength) {
    Fail(Status::kTruncated, "the body is shorter than its Content-Length");
  } else {
    Fail(Status::kTruncated, "the chunked body ended without its last chunk");
  }
  return Verdict::kFailed;
}

// ---- The head ----

// Takes heads up to the end of the final one.
bool H1Parser::FeedHead(const char* data, size_t size, size_t* at) {
  while (!head_done_ && *at < size) {
    if (const size_t n = in_lines_ ? 0 : ReadPlainHead(data + *at, size - *at, max_head_, head_)) {
      started_ = true;
      *at += n;
      if (!EndHead()) return false;
      continue;
    }
    if (!CheckVersion(data + *at, size - *at)) return false;
    if (!in_lines_) {
      in_lines_ = true;
      lines_.Begin(max_head_, lenient_);
      fields_.Begin(lenient_, head_);
    }
    if (!FeedLines(data, size, at)) return false;
  }
  return true;
}

// Looks at the first bytes of a status line: what comes may have no lines at all.
bool H1Parser::CheckVersion(const char* data, size_t size) {
  if (version_matched_ == 0 && (data[0] == '\r' || data[0] == '\n')) return true;
  started_ = true;
  for (size_t i = 0; version_matched_ < kVersionSize && i < size; i++, version_matched_++)
    if (data[i] != kVersion[version_matched_])
      return Fail(Status::kProtocol, GuessProtocol(version_matched_ == 0 ? data[0] : 'H'));
  return true;
}

// Takes a line, or the begin of one.
bool H1Parser::FeedLines(const char* data, size_t size, size_t* at) {
  std::string_view line;
  const size_t from = *at;
  const HeadLines::Step step = lines_.Next(data, size, at, &line);
  head_->bytes += static_cast<uint32_t>(*at - from);
  switch (step) {
    case HeadLines::Step::kMore:
      return true;
    case HeadLines::Step::kFailed:
      return Fail(lines_.problem().status, lines_.problem().text);
    case HeadLines::Step::kLine:
      break;
  }
  return TakeLine(line);
}

bool H1Parser::TakeLine(std::string_view line) {
  if (line.empty() && !fields_.has_status()) {
    if (++empty_lines_ <= kMaxEmptyLines) return true;
    return Fail(Status::kProtocol, "empty lines come before the status line");
  }
  if (!fields_.Take(line)) return Fail(fields_.problem().status, fields_.problem().text);
  return !fields_.ended() || EndHead();
}

bool H1Parser::EndHead() {
  if (head_->status == 101 && upgrade_) {
    framing_ = BodyFraming::kNone;
    keep_alive_ = false;
    head_done_ = true;
    sink_->OnHead();
    return true;
  }
  if (head_->status == 101)
    return Fail(Status::kProtocol, "101 Switching Protocols came, which nobody asked for");
  if (!DecideFraming()) return false;
  if (head_->status < 200) {
    if (++informational_ > kMaxInformational)
      return Fail(Status::kProtocol, "more than 32 informational responses (1xx) came");
    continued_ = continued_ || head_->status == 100;
    sink_->OnInformational();
    BeginHead();
    return true;
  }
  head_done_ = true;
  sink_->OnHead();
  return true;
}

bool H1Parser::DecideFraming() {
  const int status = head_->status;
  const bool coded = head_->Has(Known::kTransferEncoding);
  const bool sized = head_->Has(Known::kContentLength);
  if (coded) {
    // The one coding that every client knows; another, or two, is how smuggled bytes hide.
    if (sized) return Fail(Status::kProtocol, "both Content-Length and Transfer-Encoding came");
    if (head_->Repeats(Known::kTransferEncoding) ||
        !SameName(head_->Find(Known::kTransferEncoding), "chunked"))
      return Fail(Status::kProtocol, "a Transfer-Encoding other than \"chunked\" came");
  }
  uint64_t length = 0;
  if (sized && !ReadLength(&length)) return false;

  const bool no_body = status < 200 || head_request_ || status == 204 || status == 304 ||
                       (status == 205 && !coded && !sized);
  if (no_body) {
    framing_ = BodyFraming::kNone;
  } else if (coded) {
    framing_ = BodyFraming::kChunked;
    chunks_.Begin(lenient_);
  } else if (sized) {
    framing_ = BodyFraming::kLength;
    content_length_ = length;
  } else {
    framing_ = BodyFraming::kUntilClose;
  }
  // Decided here, so that a trailer cannot change it. An HTTP/1.0 server that chunks, or a 205 that
  // does not say how it ends, is not trusted with another request.
  const bool wants = !head_->ListHas(Known::kConnection, "close") &&
                     !head_->ListHas(Known::kProxyConnection, "close") &&
                     (head_->minor == 1 || head_->ListHas(Known::kConnection, "keep-alive"));
  keep_alive_ = wants && framing_ != BodyFraming::kUntilClose && !(coded && head_->minor == 0) &&
                !(status == 205 && no_body && !head_request_);
  return true;
}

// Reads the Content-Length. More than one number is refused; if they are equal, lenient takes it.
bool H1Parser::ReadLength(uint64_t* length) {
  int numbers = 0;
  bool good = true;
  if (!head_->Repeats(Known::kContentLength)) {
    good = ReadLengths(head_->Find(Known::kContentLength), length, &numbers);
  } else {
    for (size_t i = 0; good && i < head_->size(); i++)
      if (head_->known(i) == Known::kContentLength)
        good = ReadLengths(head_->at(i).value, length, &numbers);
  }
  if (!good) return Fail(Status::kProtocol, "the Content-Length is no number");
  if (*length > static_cast<uint64_t>(INT64_MAX))
    return Fail(Status::kProtocol, "the Content-Length is beyond all measure");
  if (numbers > 1 && !lenient_) return Fail(Status::kProtocol, "more than one Content-Length came");
  return true;
}

// ---- The body ----

H1Parser::Verdict H1Parser::FeedBody(const char* data, size_t size, size_t* at) {
  switch (framing_) {
    case BodyFraming::kNone:
      return Verdict::kDone;
    case BodyFraming::kLength: {
      const auto n =
          static_cast<size_t>(std::min<uint64_t>(size - *at, content_length_ - body_bytes_));
      TakeBody(data + *at, n);
      *at += n;
      return body_bytes_ == content_length_ ? Verdict::kDone : Verdict::kMore;
    }
    case BodyFraming::kChunked:
      return FeedChunks(data, size, at);
    case BodyFraming::kUntilClose:
      TakeBody(data + *at, size - *at);
      *at = size;
      return Verdict::kMore;
  }
  return Verdict::kMore;
}

H1Parser::Verdict H1Parser::FeedChunks(const char* data, size_t size, size_t* at) {
  for (;;) {
    switch (chunks_.Next(data, size, at)) {
      case ChunkedReader::Step::kMore:
        return Verdict::kMore;
      case ChunkedReader::Step::kChunk:
        sink_->OnChunk(chunks_.size());
        break;
      case ChunkedReader::Step::kData:
        TakeBody(chunks_.data(), chunks_.data_size());
        break;
      case ChunkedReader::Step::kEnd:
        return Verdict::kDone;
      case ChunkedReader::Step::kFailed:
        problem_ = chunks_.problem();
        return Verdict::kFailed;
    }
  }
}

void H1Parser::TakeBody(const char* data, size_t size) {
  if (size == 0) return;
  body_bytes_ += size;
  sink_->OnBody(data, size);
}

}  // namespace creche::http
