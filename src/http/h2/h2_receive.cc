// H2Exchange: what is received.
#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

#include "http/h2/h2_connection.h"
#include "http/h2/h2_exchange.h"
#include "http/recent.h"
#include "http/trailer.h"

namespace creche::http {

namespace {

// How much of a body that nobody wants is read over rather than refused, and for how long.
constexpr uint64_t kMostReadOver = 64 << 10;
constexpr Nanos kReadOverTime = 100 * kMillisecond;
constexpr uint8_t kMaxInformational = 32;
// What RFC 9113, 6.5.2 counts for each field beside its name and value.
constexpr size_t kPerField = 32;
constexpr uint32_t kMostTrailer = 16 << 10;

uint64_t Number(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

void H2Exchange::OnHeadBegins() noexcept {
  if (!attempt_->answered)
    attempt_->first_byte = std::max(Recent(connection_.io().loop), attempt_->sent_at);
  attempt_->answered = true;
  head_size_ = 0;
  if (attempt_->granted)
    return Fail({Status::kProtocol, "header fields came inside of a tunnel"});  // RFC 9113, 8.5
  if (over_ || head_done_) return;
  head_->Clear();
  read_by_ = In(request_->timeouts.read_gap);
  SetTimer();
}

bool H2Exchange::OnField(std::string_view name, std::string_view value) noexcept {
  if (over_) return true;
  head_size_ += name.size() + value.size() + kPerField;
  if (head_size_ > (head_done_ ? std::min(kMostTrailer, request_->max_head) : request_->max_head)) {
    Fail({Status::kLimit, head_done_ ? "the trailer is larger than 16 KiB"
                                     : "the head of the answer is larger than max_header_bytes"});
    return false;
  }
  if (name == ":status") {
    head_->status = static_cast<uint16_t>(Number(value));
    return true;
  }
  try {
    if (head_done_)
      AddToTrailer(&trailer_, name, value);
    else
      head_->Add(name, value);
    return true;
  } catch (const std::bad_alloc&) {
    Stop(NoMemoryError());
    return false;
  }
}

void H2Exchange::OnHeadEnds(bool last) noexcept {
  if (over_) return;
  if (head_done_) return OnLastData();  // trailers end it
  read_by_ = kNever;
  const uint16_t status = head_->status;
  head_->bytes = static_cast<uint32_t>(head_size_);
  if (status >= 200) return TakeHead(last);
  if (++informational_ > kMaxInformational)
    return Fail({Status::kProtocol, "more than 32 informational responses (1xx) came"});
  if (request_->watch) request_->watch->Informational(*head_);
  if (status == 100 && held_back_) return Continue();
  SetTimer();
}

// The server wants the body that it was asked about, or has said nothing for long.
void H2Exchange::Continue() noexcept {
  held_back_ = false;
  continue_by_ = kNever;
  attempt_->phase = Phase::kSend;
  SendOn();
}

// The final head.
void H2Exchange::TakeHead(bool last) noexcept {
  attempt_->phase = Phase::kBody;
  head_done_ = true;
  head_by_ = continue_by_ = kNever;
  if (tunnels() && head_->status < 300) {
    attempt_->granted = true;
    ended_ = last;
    listener_->OnHead(false);
    SetTimer();
    return Note(kReceived);
  }
  body_withheld_ = held_back_;
  const bool may_have = !request_->head() && head_->status != 204 && head_->status != 304;
  const bool sized = head_->Has(Known::kContentLength);
  length_ = may_have && sized ? Number(head_->Find(Known::kContentLength)) : 0;
  sink_ = listener_->OnHead(may_have && !last && (!sized || length_ > 0));
  const Problem problem = sink_ ? sink_->Begin(length_) : Problem{};
  if (problem.bad()) return Fail(problem);
  Note(body_withheld_ ? kReceived | kSent : kReceived);
  if (last)
    OnLastData();
  else
    AwaitBody();
}

void H2Exchange::OnData(const char* data, size_t size) noexcept {
  if (over_) return;
  if (attempt_->granted) {
    if (!early_.Append(data, size)) return Stop(NoMemoryError());
    if (early_.size() <= static_cast<size_t>(window_.size())) return;
    return Fail({Status::kProtocol, "more came than the window for it allows"});
  }
  attempt_->body_bytes += size;
  const Problem problem = sink_ ? sink_->Append(data, size) : Problem{};
  if (problem.bad()) return Fail(problem);
  if (sink_ && sink_->patience() == 0 && sink_->full()) paused_ = true;
  if (!paused_)
    GiveRoom(size);
  else if ((held_ += size) > static_cast<size_t>(window_.size()))
    return Fail({Status::kProtocol, "more of a body came than the window for it allows"});
  Note(kReceived);
  AwaitBody();
}

// The server may send as much again, or more if it waits for that and the reader does not.
void H2Exchange::GiveRoom(size_t size) noexcept {
  connection_.session().Consumed(stream_, size);
  if (sink_ && !sink_->low()) return window_.Restart();
  if (window_.Took(size, connection_.heard(), connection_.round_trip()))
    connection_.session().Widen(stream_, window_.size());
}

// The answer is complete, and with it the exchange: what is left of the request is not sent.
void H2Exchange::OnLastData() noexcept {
  if (over_) return;
  if (attempt_->granted) return (void)(ended_ = true);
  complete_ = true;
  attempt_->trailer = std::move(trailer_);
  Stop(nullptr);
}

// More of the body is to come in read_gap, if somebody waits for it, and the server need not wait
// for more of the request. What nobody wants is read over if that is soon done.
void H2Exchange::AwaitBody() noexcept {
  if (over_) return;
  if (!sink_ || sink_->patience() != 0) {
    const bool soon = length_ > 0 && length_ <= kMostReadOver && sent_;
    if (!soon && (!sink_ || sink_->full())) return Stop(nullptr);
    if (read_by_ == kNever) read_by_ = In(sink_ ? sink_->patience() : kReadOverTime);
  } else {
    const bool waits = (sent_ || body_withheld_) && !paused_ && sink_->awaited();
    read_by_ = waits ? In(request_->timeouts.read_gap) : kNever;
  }
  SetTimer();
}

void H2Exchange::ReadOn() noexcept {
  if (over_ || !head_done_) return;
  if (paused_ && sink_->low()) {
    paused_ = false;
    window_.Restart();
    connection_.session().Consumed(stream_, std::exchange(held_, 0));
    connection_.FlushSoon();
  }
  AwaitBody();
}

// What the session found, before it closes the stream.
void H2Exchange::OnInvalid(const char* why) noexcept {
  invalid_ = {Status::kProtocol, why};
}

void H2Exchange::OnClosed(bool by_peer, uint32_t code) noexcept {
  stream_ = 0;
  if (!over_) Stop(ResetError(by_peer, code));
}

ErrorRef H2Exchange::ResetError(bool by_peer, uint32_t code) noexcept {
  try {
    const std::string name = nghttp2_http2_strerror(code);
    if (!by_peer && head_done_ && announced_ < length_)
      return MakeError(Status::kTruncated, attempt_->phase,
                       "the body ended before the length that its head says");
    if (invalid_.bad() || (!by_peer && code != NGHTTP2_REFUSED_STREAM)) {
      const std::string why = invalid_.bad() ? invalid_.text : name;
      return MakeError(Status::kProtocol, attempt_->phase,
                       "the answer breaks the rules of HTTP/2: " + why);
    }
    if (head_done_ && !attempt_->granted)
      return MakeError(Status::kTruncated, attempt_->phase,
                       "the server broke the body off: " + name);
    if (code == NGHTTP2_REFUSED_STREAM && !head_done_) {
      attempt_->unprocessed = true;
      return MakeError(Status::kDisconnected, attempt_->phase,
                       connection_.Said("the server did not take the request"));
    }
    if (code == NGHTTP2_HTTP_1_1_REQUIRED && !head_done_) {
      attempt_->unprocessed = attempt_->wants_http1 = true;
      return MakeError(Status::kDisconnected, attempt_->phase,
                       "the server takes this request by HTTP/1.1 only: allow CRECHE_HTTP_1_1 in "
                       "versions");
    }
    return MakeError(Status::kDisconnected, attempt_->phase,
                     "the server broke the request off: " + name);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::http
