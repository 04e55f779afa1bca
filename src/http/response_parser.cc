#include "http/response_parser.h"

#include <cstring>

namespace creche::http {

namespace {

constexpr uint8_t kMaxInformational = 32;
// Two empty lines are forgiven: some servers end a body with one that they did not count.
constexpr uint8_t kMaxLeading = 4;
// Between two pieces of a chunked body: a size line with its extensions, or the trailer.
constexpr uint64_t kMaxGap = 16 << 10;
// In all of it: chunks of one byte with a short extension are odd, but fine.
constexpr uint64_t kGapsPerByte = 16;
constexpr uint64_t kGapsFree = 64 << 10;

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

ResponseParser* Self(llhttp_t* p) {
  return static_cast<ResponseParser*>(p->data);
}

}  // namespace

const llhttp_settings_t& ResponseParser::Settings() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_status = OnStatus;
    s.on_header_field = OnName;
    s.on_header_field_complete = OnNameEnd;
    s.on_header_value = OnValue;
    s.on_header_value_complete = OnValueEnd;
    s.on_headers_complete = OnHeadersEnd;
    s.on_chunk_header = OnChunkHead;
    s.on_body = OnBodyBytes;
    s.on_message_complete = OnMessageEnd;
    return s;
  }();
  return settings;
}

ResponseParser::ResponseParser() {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Settings());
}

void ResponseParser::Begin(bool head_request, size_t max_head, ResponseHead* head,
                           ResponseSink* sink) {
  head_ = head;
  sink_ = sink;
  max_head_ = max_head;
  problem_ = {};
  content_length_ = body_bytes_ = gap_ = gaps_ = 0;
  leading_ = informational_ = 0;
  framing_ = BodyFraming::kNone;
  head_request_ = head_request;
  started_ = head_done_ = keep_alive_ = false;
  last_ = 0;
  BeginHead();
}

// Forgets the informational response, if there was one.
void ResponseParser::BeginHead() {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Settings());
  llhttp_.data = this;
  head_->Clear();
  head_bytes_ = line_bytes_ = 0;
  version_matched_ = 0;
  scanning_ = true;
  interim_ = ended_ = false;
}

bool ResponseParser::Fail(Status status, const char* text) {
  if (problem_.status == Status::kOk) problem_ = {status, text};
  return false;
}

ResponseParser::Verdict ResponseParser::Feed(const char* data, size_t size, size_t* used) {
  *used = 0;
  size_t at = 0;
  while (at < size) {
    if (scanning_) {
      if (!SkipLeadingLines(data, size, &at)) return Verdict::kFailed;
      if (at == size) break;
      if (!CheckHeadBytes(data + at, size - at)) return Verdict::kFailed;
    }
    started_ = true;
    cursor_ = data + at;
    const llhttp_errno_t error = llhttp_execute(&llhttp_, data + at, size - at);
    if (problem_.status != Status::kOk) return Verdict::kFailed;
    if (error == HPE_OK) {
      if (!CountFraming(static_cast<size_t>(data + size - cursor_))) return Verdict::kFailed;
      break;
    }
    if (error != HPE_PAUSED || !ended_) {
      Fail(Status::kProtocol, llhttp_get_error_reason(&llhttp_));
      return Verdict::kFailed;
    }
    at = static_cast<size_t>(llhttp_get_error_pos(&llhttp_) - data);
    if (interim_) {
      if (++informational_ > kMaxInformational) {
        Fail(Status::kProtocol, "more than 32 informational responses (1xx) came");
        return Verdict::kFailed;
      }
      leading_ = kMaxLeading;  // no empty lines behind an informational response
      last_ = '\n';
      BeginHead();
      continue;
    }
    *used = at;
    return EndMessage(data, at);
  }
  if (size > 0) last_ = data[size - 1];
  *used = size;
  return Verdict::kMore;
}

ResponseParser::Verdict ResponseParser::EndMessage(const char* data, size_t end) {
  if (framing_ == BodyFraming::kChunked) {
    if (!CountFraming(static_cast<size_t>(data + end - cursor_))) return Verdict::kFailed;
    const char before = end >= 2 ? data[end - 2] : last_;
    if (before != '\r') {
      Fail(Status::kProtocol, "a chunked body ends in a line feed without its carriage return");
      return Verdict::kFailed;
    }
  }
  return Verdict::kDone;
}

ResponseParser::Verdict ResponseParser::Finish(bool clean) {
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

bool ResponseParser::SkipLeadingLines(const char* data, size_t size, size_t* at) {
  while (version_matched_ == 0 && *at < size && (data[*at] == '\r' || data[*at] == '\n')) {
    const char expected = leading_ % 2 == 0 ? '\r' : '\n';
    if (data[*at] != expected || leading_ >= kMaxLeading)
      return Fail(Status::kProtocol, "empty lines come before the status line");
    leading_++;
    (*at)++;
  }
  if (*at < size && version_matched_ == 0 && leading_ % 2 != 0)
    return Fail(Status::kProtocol, "a carriage return comes before the status line");
  return true;
}

// Looks at the bytes of a head before llhttp does: line ends, folded lines, version, size.
bool ResponseParser::CheckHeadBytes(const char* data, size_t size) {
  for (size_t i = 0; version_matched_ < kVersionSize && i < size; i++, version_matched_++)
    if (data[i] != kVersion[version_matched_])
      return Fail(Status::kProtocol, GuessProtocol(version_matched_ == 0 ? data[0] : 'H'));
  if (line_bytes_ > 0 && last_ == '\r' && data[0] != '\n')
    return Fail(Status::kProtocol, "a carriage return stands alone in the head");

  const char* const end = data + size;
  const char* at = data;
  while (at < end) {
    if (line_bytes_ == 0 && (*at == ' ' || *at == '\t'))
      return Fail(Status::kProtocol, "a line of the head begins with a blank (an obsolete fold)");
    const char* const lf =
        static_cast<const char*>(memchr(at, '\n', static_cast<size_t>(end - at)));
    const char* const stop = lf ? lf : end;
    const char* const cr =
        static_cast<const char*>(memchr(at, '\r', static_cast<size_t>(stop - at)));
    if (cr && cr != stop - 1)
      return Fail(Status::kProtocol, "a carriage return stands alone in the head");
    line_bytes_ += static_cast<size_t>(stop - at);
    if (!lf) break;
    if ((lf > data ? lf[-1] : last_) != '\r')
      return Fail(Status::kProtocol, "a line of the head ends without a carriage return");
    at = lf + 1;
    if (line_bytes_ == 1) {  // the empty line
      scanning_ = false;
      break;
    }
    line_bytes_ = 0;
  }
  head_bytes_ += scanning_ ? size : static_cast<size_t>(at - data);
  if (head_bytes_ > max_head_)
    return Fail(Status::kLimit, "the head of the answer is too large: raise max_header_bytes");
  return true;
}

// Adds what lies between two pieces of a chunked body.
bool ResponseParser::CountFraming(size_t bytes) {
  if (framing_ != BodyFraming::kChunked || !head_done_) return true;
  gap_ += bytes;
  gaps_ += bytes;
  if (gap_ <= kMaxGap && gaps_ <= kGapsFree + kGapsPerByte * body_bytes_) return true;
  return Fail(Status::kProtocol, "chunk extensions or trailers are too long");
}

int ResponseParser::OnStatus(llhttp_t* p, const char* at, size_t n) {
  if (IsFieldValue({at, n})) return 0;
  return Self(p)->Fail(Status::kProtocol, "a control character stands in the status line") ? 0 : -1;
}

int ResponseParser::OnName(llhttp_t* p, const char* at, size_t n) {
  ResponseParser* self = Self(p);
  // llhttp has looked at each character, but lets blanks pass if it was built without strict mode.
  if (memchr(at, ' ', n)) {
    self->Fail(Status::kProtocol, "the name of a header field is no token");
    return -1;
  }
  if (self->head_done_) {
    self->trailer_name_.append(at, n);  // bounded by kMaxGap
  } else {
    self->head_->AppendName(at, n);
  }
  return 0;
}

int ResponseParser::OnNameEnd(llhttp_t* p) {
  ResponseParser* self = Self(p);
  if (!self->head_done_) {
    if (self->head_->EndName()) return 0;
    self->Fail(Status::kProtocol, "a header field has no name");
    return -1;
  }
  const Known known = KnownName(self->trailer_name_);
  self->trailer_name_.clear();
  if (known != Known::kContentLength && known != Known::kTransferEncoding) return 0;
  self->Fail(Status::kProtocol, "the trailer holds a field that says how long the body is");
  return -1;
}

int ResponseParser::OnValue(llhttp_t* p, const char* at, size_t n) {
  ResponseParser* self = Self(p);
  if (!IsFieldValue({at, n})) {
    self->Fail(Status::kProtocol, "a control character stands in a header field");
    return -1;
  }
  if (!self->head_done_) self->head_->AppendValue(at, n);
  return 0;
}

int ResponseParser::OnValueEnd(llhttp_t* p) {
  ResponseParser* self = Self(p);
  if (!self->head_done_) self->head_->EndValue();
  return 0;
}

int ResponseParser::OnHeadersEnd(llhttp_t* p) {
  ResponseParser* self = Self(p);
  self->head_->status = p->status_code;
  self->head_->minor = p->http_minor;
  if (!self->DecideFraming()) return -1;
  if (!self->interim_) {
    self->head_done_ = true;
    self->gap_ = 0;
    self->sink_->OnHead();
  }
  return self->framing_ == BodyFraming::kNone ? 1 : 0;  // 1: there is no body, whatever fields say
}

bool ResponseParser::DecideFraming() {
  const int status = head_->status;
  if (llhttp_.http_minor > 1)
    return Fail(Status::kProtocol, "the answer's version is not HTTP/1.0 or HTTP/1.1");
  if (status < 100) return Fail(Status::kProtocol, "the status is below 100");
  if (status == 101)
    return Fail(Status::kProtocol, "101 Switching Protocols came, which nobody asked for");
  interim_ = status < 200;

  const bool coded = head_->Has(Known::kTransferEncoding);
  const bool sized = head_->Has(Known::kContentLength);
  if (coded) {
    // The one coding that every client knows; another, or two, is how smuggled bytes hide.
    if (sized) return Fail(Status::kProtocol, "both Content-Length and Transfer-Encoding came");
    size_t codings = 0;
    for (size_t i = 0; i < head_->size(); i++)
      codings += head_->known(i) == Known::kTransferEncoding;
    if (codings != 1 || !SameName(head_->Find(Known::kTransferEncoding), "chunked"))
      return Fail(Status::kProtocol, "a Transfer-Encoding other than \"chunked\" came");
    llhttp_.flags |= F_CHUNKED;  // llhttp does not see it if a TAB follows
  }
  if (sized && llhttp_.content_length > static_cast<uint64_t>(INT64_MAX))
    return Fail(Status::kProtocol, "the Content-Length is beyond all measure");

  const bool no_body = interim_ || head_request_ || status == 204 || status == 304 ||
                       (status == 205 && !coded && !sized);
  if (no_body) {
    framing_ = BodyFraming::kNone;
  } else if (coded) {
    framing_ = BodyFraming::kChunked;
  } else if (sized) {
    framing_ = BodyFraming::kLength;
    content_length_ = llhttp_.content_length;
  } else {
    framing_ = BodyFraming::kUntilClose;
  }
  // Decided here, so that a trailer cannot change it. An HTTP/1.0 server that chunks, or a 205 that
  // does not say how it ends, is not trusted with another request.
  const bool wants = head_->minor == 1 ? (llhttp_.flags & F_CONNECTION_CLOSE) == 0
                                       : (llhttp_.flags & F_CONNECTION_KEEP_ALIVE) != 0;
  keep_alive_ = wants && framing_ != BodyFraming::kUntilClose && !(coded && head_->minor == 0) &&
                !(status == 205 && no_body && !head_request_);
  return true;
}

int ResponseParser::OnChunkHead(llhttp_t* p) {
  if (p->content_length <= static_cast<uint64_t>(INT64_MAX)) return 0;
  Self(p)->Fail(Status::kProtocol, "the size of a chunk is beyond all measure");
  return -1;
}

int ResponseParser::OnBodyBytes(llhttp_t* p, const char* at, size_t n) {
  ResponseParser* self = Self(p);
  if (!self->CountFraming(static_cast<size_t>(at - self->cursor_))) return -1;
  self->cursor_ = at + n;
  self->gap_ = 0;
  self->body_bytes_ += n;
  self->sink_->OnBody(at, n);
  return 0;
}

int ResponseParser::OnMessageEnd(llhttp_t* p) {
  Self(p)->ended_ = true;
  return HPE_PAUSED;
}

}  // namespace creche::http
