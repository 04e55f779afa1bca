// H1Exchange: what is received.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "http/h1/h1_exchange.h"
#include "http/recent.h"

namespace creche::http {

namespace {

// How much of a body that nobody wants is read to keep the connection, and for how long.
constexpr uint64_t kMostReadOver = 64 << 10;
constexpr Nanos kReadOverTime = 100 * kMillisecond;
// So that one fast server does not keep all others waiting.
constexpr int kReadsAtATime = 4;
// What is received with the head of a body that is received where it is to stay.
constexpr size_t kWithHead = 16 << 10;
// Bytes that are better left where they are than copied.
constexpr size_t kWorthKeeping = 4 << 10;

// The number behind `name`, which ends in '=', if that is what `hint` is.
std::optional<uint32_t> Number(std::string_view hint, std::string_view name) {
  if (!SameName(hint.substr(0, name.size()), name)) return std::nullopt;
  uint32_t number = 0;
  const char* end = hint.data() + hint.size();
  const auto [p, e] = std::from_chars(hint.data() + name.size(), end, number);
  if (e != std::errc() || p != end) return std::nullopt;
  return number;
}

}  // namespace

void H1Exchange::OnReadable() noexcept {
  bool more = true;
  for (int i = 0; more && i < kReadsAtATime; i++) {
    if (!ReadOnce(&more)) return;
    // What nobody waits for yet stays with the system: there it need not be moved.
    if (sink_ && !sink_->awaited()) return;
  }
}

// Memory to receive into, or null: what is left of a large body goes where it is to stay.
char* H1Exchange::WhereToRead(size_t* room) noexcept {
  *room = IoContext::kScratch;
  if (!parser_.head_done()) {
    // What comes with the head of a body that is too large to stay there is copied.
    if (large_) *room = kWithHead;
  } else if (sink_) {
    const uint64_t left = parser_.framing() == H1Parser::BodyFraming::kLength
                              ? parser_.content_length() - parser_.body_bytes()
                              : 0;
    size_t direct_room = 0;
    if (char* const direct = left >= kWithHead ? sink_->Room(left, &direct_room) : nullptr) {
      *room = direct_room;
      return direct;
    }
    *room = std::min(*room, sink_->most());
  }
  return io_.Scratch();
}

// Receives once. False: the exchange has ended, and may be gone.
bool H1Exchange::ReadOnce(bool* more) noexcept {
  size_t room = 0;
  char* const into = WhereToRead(&room);
  *more = false;
  if (!into) return End(NoMemoryError()), false;
  const IoResult result = transport_.Read(into, room);
  switch (result.state) {
    case Io::kOk: {
      io_.counters.bytes_received.Add(result.size);
      if (!parser_.started()) attempt_->first_byte = std::max(Recent(io_.loop), attempt_->sent_at);
      *more = result.size == room;
      size_t used = 0;
      if (into == io_.scratch.data()) io_.scratch.Commit(result.size);
      const H1Parser::Verdict verdict = parser_.Feed(into, result.size, &used);
      attempt_->answered = parser_.started();
      if (used < result.size) behind_ = {into + used, result.size - used};
      return Act(verdict, used < result.size);
    }
    case Io::kLater:
      if (!send_error_ || parser_.head_done()) return true;
      ConnectionBroke(send_error_);
      return false;
    case Io::kEnd:
      // The reset was seen by the sending side.
      if (send_error_ && parser_.framing() == H1Parser::BodyFraming::kUntilClose && !BreakIsEnd())
        return ConnectionBroke(send_error_), false;
      return Act(parser_.Finish(true), false);
    case Io::kTruncated:
      return Act(parser_.Finish(false), false);
    case Io::kFailed:
      if (BreakIsEnd()) return Act(parser_.Finish(true), false);
      break;
  }
  ConnectionBroke(transport_.Failure(attempt_->phase));
  return false;
}

// Of the parser: the final head is there.
void H1Exchange::OnHead() noexcept {
  attempt_->phase = Phase::kBody;
  head_by_ = read_by_ = continue_by_ = kNever;
  body_withheld_ = upload_.held();
  attempt_->granted = head_->status == 101;
  const bool has_body =
      parser_.framing() != H1Parser::BodyFraming::kNone &&
      (parser_.framing() != H1Parser::BodyFraming::kLength || parser_.content_length() != 0);
  sink_ = listener_->OnHead(has_body);
  large_ = parser_.content_length() >= IoContext::kScratch;
  if (sink_) problem_ = sink_->Begin(parser_.content_length());
}

void H1Exchange::OnInformational() noexcept {
  if (request_->watch) request_->watch->Informational(*head_);
}

// Of the parser: a chunk is announced. One that is too large is not waited for.
void H1Exchange::OnChunk(uint64_t size) noexcept {
  if (sink_ && !problem_.bad()) problem_ = sink_->Expect(size);
}

// Of the parser: bytes of the body.
void H1Exchange::OnBody(const char* data, size_t size) noexcept {
  if (!sink_ || problem_.bad()) return;
  // If nothing follows them, the sink may have the memory that they were received in.
  Buffer& memory = io_.scratch;
  if (size >= kWorthKeeping && data + size == memory.data() + memory.size()) {
    memory.Consume(memory.size() - size);
    if (sink_->Keep(&memory)) return;
  }
  problem_ = sink_->Append(data, size);
}

// Acts on what the parser made of the last bytes. leftover: they held more than this response.
// Returns as ReadOnce does.
bool H1Exchange::Act(H1Parser::Verdict verdict, bool leftover) noexcept {
  using Verdict = H1Parser::Verdict;
  if (problem_.bad()) return Fail(problem_), false;
  if (!parser_.head_done()) {
    if (verdict == Verdict::kFailed) return ParserFailed();
    if (upload_.done()) AwaitHead();
    if (upload_.held() && parser_.continued()) {
      continue_by_ = io_.loop.now();  // at once, but not in here, where sending might end all
      SetTimer();
    }
    return true;
  }
  // Sizes of chunks, extensions and trailers may come in drips for hours: only a body goes on.
  const bool went_on = attempt_->body_bytes != parser_.body_bytes() || read_by_ == kNever;
  attempt_->body_bytes = parser_.body_bytes();
  if (verdict == Verdict::kMore || !head_told_) {
    const bool first = !std::exchange(head_told_, true);
    if (!listener_->OnReceived()) return false;
    if (first && body_withheld_ && !listener_->OnSent()) return false;
  }
  if (!sink_ || sink_->patience() != 0) return ReadOver(verdict, leftover);
  if (verdict == Verdict::kFailed) return ParserFailed();
  if (verdict == Verdict::kDone) return Finish(leftover), false;
  if (sink_->full()) {
    transport_.PauseReading();
    paused_ = true;
  }
  if (went_on || paused_) AwaitBody();
  return !paused_;
}

// Nobody wants the body, or no more than a piece of it: it is read over if that is soon done and
// the connection can be used again.
bool H1Exchange::ReadOver(H1Parser::Verdict verdict, bool leftover) noexcept {
  const bool known = parser_.framing() == H1Parser::BodyFraming::kLength;
  const uint64_t size = known ? parser_.content_length() : parser_.body_bytes();
  const bool soon = size <= kMostReadOver && parser_.keep_alive() && upload_.done();
  const bool wanted = sink_ && !sink_->full();
  if (verdict == H1Parser::Verdict::kMore && (soon || wanted)) {
    if (read_by_ == kNever) read_by_ = In(sink_ ? sink_->patience() : kReadOverTime);
    return SetTimer(), true;
  }
  if (verdict == H1Parser::Verdict::kDone)
    Finish(leftover);
  else
    End(nullptr);
  return false;
}

bool H1Exchange::ParserFailed() noexcept {
  if (!parser_.started() && parser_.problem().status == Status::kDisconnected)
    ConnectionBroke(AsError(parser_.problem()));
  else
    Fail(parser_.problem());
  return false;
}

// Whether a body that ends with its connection is whole though the connection broke off: a server
// that refuses a request and closes without reading it all resets the connection, for which its
// answer is not to blame.
bool H1Exchange::BreakIsEnd() const noexcept {
  return !upload_.done() && head_->status >= 400 && !transport_.tls() && parser_.head_done() &&
         parser_.framing() == H1Parser::BodyFraming::kUntilClose;
}

void H1Exchange::ReadOn() noexcept {
  const bool resume = paused_ && sink_->low();
  if (resume) paused_ = false;
  AwaitBody();
  if (!resume) return;
  if (ErrorRef error = transport_.ResumeReading()) End(std::move(error));
}

// The response is complete: the connection is kept if both sides may use it again.
void H1Exchange::Finish(bool leftover) noexcept {
  keep_for_ = parser_.keep_alive() && !leftover && upload_.done() ? KeepFor() : 0;
  if (parser_.framing() == H1Parser::BodyFraming::kChunked)
    attempt_->trailer = parser_.TakeTrailer();
  End(nullptr);
}

// How long the server promises to keep the connection, with some distance.
Nanos H1Exchange::KeepFor() const noexcept {
  const HeaderList* const lists[] = {&request_->headers, &request_->defaults->headers};
  for (const HeaderList* list : lists) {
    std::string_view options = list->Find(Known::kConnection);
    std::string_view option;
    while (NextElement(&options, &option))
      if (SameName(option, "close")) return 0;
  }
  Nanos keep = kNever;
  std::string_view hints = head_->Find(Known::kKeepAlive);
  std::string_view hint;
  while (NextElement(&hints, &hint)) {
    if (const auto left = Number(hint, "max=")) {
      if (*left == 0) return 0;  // that was the last request it takes
    } else if (const auto seconds = Number(hint, "timeout=")) {
      keep = *seconds * kSecond / 4 * 3;
    }
  }
  return keep;
}

}  // namespace creche::http
